"""Words that stand on the screens of every migration, and therefore say nothing of yours.

A name that is one of them cannot be taken out of a sentence without spoiling it: a table named `source` would turn
"the source takes writes" into nonsense. It is masked where it stands as a name (a field of its own, in quotes, with a
dot or an @ beside it) and left alone as a word.
"""

from __future__ import annotations

_WORDS = """
abort aborted about accept accepted access account accounts address administrator advised after afterwards again ago
alias aliases all alone already also am an and anew anonymous another answer any anything app applications applied
apply approve approved are armed as aside asked asks at attach attempt auto back bar be because been before begin
begins begun behind being below between binary binary_log binlog binlogs blocks both bridge budget built but by
bytes ca came can cancel cancelled cancels cannot carries catch catching caught certificate change changed changes
charset check checks choice choose choosing chosen client clients close closed cloud cluster clusters code collation
column columns come comes command commit committed compare compared comparing complete completed completing
completion compressed conditions confirm confirms connect connected connection connections content continue copy
could countdown create created cure cut cutover daemon dark data database databases db deadline decide decided
decision default definer definers delete deleted detach dev did died differ difference differs direction directory
disabled disk do doctor does done down download drain drop dropped dump each either empty end ended endpoint
endpoints ends engine engines enough enter environment equal error escape event events every everything evidence
exactly execute executed exist exit export exports fail failed failure false far fence fenced few ff field file find
finding findings finish first fix focus follow follows for force foreground foreign found free from full function
functions gate gateway gave gb get gib give given gives go goes going gone good grant grants group grows gtid gtids
had hand happened happens has hash have head heartbeat held help here hidden hold holds hook hooks host how id
identity idle if in index indexes inf info information information_schema innodb innodb_sys input inside installed
instance instances instead into is it its itself january journal journals json kb keep keeps kept key keys kill know
known label lag last later least leave left length let lift lifted like limit line list listed lists load local
localhost lock locked locks log login logs long longer longest look looked looking loopback losing lost machine made
main make makes mariadb mark marker mask masked may mb meanwhile measured measuring mib migration migrations minimal
missing mixed mode moment more move moved ms must my mysql name named names native needed needs never new next no
nobody none not note nothing now null number observe observer observers of off offer offered ok old on once one only
open opened opening opens operator option or order other otherwise out outlives over own page parameter parameters
part parts passed password passwords past path pause paused percona performance_schema place plan plugin plugins pm
point port position positioning positions possible preferred prerequisite presenter press primary primary_key
privilege privileges probe procedure procedures process processlist prod production program progress promote
promoted prompt proof proposed protect prove proved provider purge purged put python question quiet ran rate reach
reached read read_only reader reading ready real reason reasons reattach recheck record red refused refuses region
regions rehearsal rehearsals rehearse relay relay_log remedy repair repeatable repl replay replica replicate
replicates replication report required resource restart restore result resume retry return reverse rewound right
rights role roll rollback rolled rolling root routine routines row rows run runbook runner running runs same sandbox
saw say says scheduled scheduler schema screen scroll second secondary seconds secrets see send sent server servers
session sessions set settle shown shows side sides signal since size slave slow small snapshot snapshots so somebody
something source space spite sql stage staging standby stands start started starting starts state statement
statements stay stays steady step steps still stop stopped stops storage subscription such switch switched synced
sys tab table tables take taken takes taking target task tb tell terminal test tests text than that the their them
then there these they thing this those thread through tier time timeout title tls tmux to token told too took
touched transaction transactions trigger triggers true try turn turns two type typed unattended under undo undone
unknown unlocked unmasked until up update use used user utc uuid uuids value verified verify verify_ca
verify_identity version versions veto view views wait waiting waits waive waiver warn warning was watch watchdog way
went were what when where whether which while who whole whose why will with within without wizard word work works
would writable write writer writes writing written wrong wrote yes yet you your yours zone zones
"""
OWN_WORDS = frozenset(_WORDS.split())
