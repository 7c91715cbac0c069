"""The way back to an old server, where the two cannot speak to each other: a bridge for logins and collations.

After a cutover to MySQL 8.0 or later the old server follows the new one, so that going back loses nothing. Two
things can keep MySQL before 8.0, and MariaDB, from it:

- Login. The new server lets accounts in through caching_sha2_password (MySQL 9 knows nothing older), which MySQL
  5.6 and MariaDB do not know, and MySQL 5.7 only over TLS. The replica's receiver fails with error 2059 or 2061.
- Collations. The number of each session's collation travels in the binary log, in the BEGIN of plain row changes,
  too. At the first change by a session with a collation that came with MySQL 8.0 (utf8mb4_0900_ai_ci has the
  number 255 and is the default) the old replica's applier stops with error 22, "Character set '#255' is not a
  compiled character set". Any client can choose such a collation when it logs in.

The bridge is a process that the old server takes for the new one. The replica logs in to it with
mysql_native_password; the bridge logs in to the new server by the method and the TLS that it asks for, and carries
packets to and fro. In Query events (statements, and the BEGIN of row changes) and in User_var events it replaces the
numbers of collations that the old server does not have by those of the same character set that it has, and makes the
event's checksum anew. Every event keeps its length, and the log its positions and GTIDs; nothing else is touched.

It does not change what a statement says: `COLLATE utf8mb4_0900_ai_ci` written out in a CREATE TABLE still stops an
old replica, as does everything else that is new in the new server. `need.needs` says whether a pair needs a bridge,
why, what could be done instead, and what neither covers. docs/bridge.md is the operator's page.
"""
