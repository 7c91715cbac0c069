"""A small video shop with what real schemas have, and with what later servers no longer take."""

from __future__ import annotations

HEALTHY = (
    "CREATE DATABASE video CHARACTER SET utf8",
    "USE video",
    "CREATE TABLE video.actor (actor_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, "
    "first_name VARCHAR(45) NOT NULL, last_name VARCHAR(45) NOT NULL, "
    "last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (last_name)) "
    "ENGINE=InnoDB",
    "CREATE TABLE video.film (film_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(255) "
    "NOT NULL, description TEXT, release_year YEAR, rental_rate DECIMAL(4,2) NOT NULL DEFAULT 4.99, "
    "rating ENUM('G','PG','PG-13','R','NC-17') DEFAULT 'G', special SET('Trailers','Commentaries'), `rank` INT, "
    "`stored` INT, FULLTEXT KEY title_text (title, description)) ENGINE=InnoDB",
    "CREATE TABLE video.film_actor (actor_id SMALLINT UNSIGNED NOT NULL, film_id SMALLINT UNSIGNED NOT NULL, "
    "PRIMARY KEY (actor_id, film_id), FOREIGN KEY (actor_id) REFERENCES video.actor (actor_id) ON UPDATE CASCADE, "
    "FOREIGN KEY (film_id) REFERENCES video.film (film_id)) ENGINE=InnoDB",
    "CREATE TABLE video.film_text (film_id SMALLINT NOT NULL PRIMARY KEY, title VARCHAR(255) NOT NULL) ENGINE=InnoDB",
    "CREATE TABLE video.address (address_id INT NOT NULL PRIMARY KEY, place POINT NOT NULL, SPATIAL KEY (place)) "
    "ENGINE=MyISAM",
    "CREATE TABLE video.payment (payment_id INT NOT NULL, year SMALLINT NOT NULL, amount DECIMAL(5,2) NOT NULL, "
    "PRIMARY KEY (payment_id, year)) ENGINE=InnoDB PARTITION BY RANGE (year) "
    "(PARTITION early VALUES LESS THAN (2010), PARTITION late VALUES LESS THAN MAXVALUE)",
    "CREATE TRIGGER video.film_ai AFTER INSERT ON video.film FOR EACH ROW "
    "INSERT INTO video.film_text (film_id, title) VALUES (NEW.film_id, NEW.title)",
    "CREATE VIEW video.film_list AS SELECT f.film_id, f.title, GROUP_CONCAT(CONCAT(a.first_name, ' ', a.last_name) "
    "ORDER BY a.last_name SEPARATOR ', ') AS actors FROM video.film f LEFT JOIN video.film_actor USING (film_id) "
    "LEFT JOIN video.actor a USING (actor_id) GROUP BY f.film_id, f.title",
    "CREATE VIEW video.`list [red]` AS SELECT title FROM video.film_list WHERE title LIKE '%a%'",
    "CREATE FUNCTION video.film_count(wanted VARCHAR(9)) RETURNS INT READS SQL DATA "
    "RETURN (SELECT COUNT(*) FROM film WHERE rating = wanted)",
    "CREATE PROCEDURE video.rewards(IN least INT) READS SQL DATA "
    "SELECT a.actor_id FROM actor a JOIN film_actor USING (actor_id) GROUP BY a.actor_id HAVING COUNT(*) >= least "
    "ORDER BY 1",
    # Words that only look like trouble: in strings, comments, quoted names, and own functions of such a name.
    "CREATE PROCEDURE video.quiet() SELECT 'ENCODE(x) GROUP BY y DESC' AS a /* PASSWORD('x') */, `rank` FROM film",
    "CREATE FUNCTION video.far(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
    "CREATE EVENT video.purge ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO DELETE FROM video.film_text "
    "WHERE film_id < 0",
    "INSERT INTO video.actor (first_name, last_name) VALUES ('Ada', 'Quill'), ('Béla', 'Ros')",
    "INSERT INTO video.film (title, description, release_year) "
    "VALUES ('Alarm', 'a bell', 2004), ('Ütopia', NULL, 2010)",
    "INSERT INTO video.film_actor VALUES (1, 1), (2, 1), (2, 2)",
    "INSERT INTO video.address VALUES (1, GeomFromText('POINT(1 2)'))",
    "INSERT INTO video.payment VALUES (1, 2004, 3.5), (2, 2024, 4.5)",
)

# What breaks on the way to 5.7, and what on the way to 9.7: refused when it is made, or only when it is used.
REFUSED_BY_57 = {"video.words57": "CREATE PROCEDURE video.words57() SELECT stored FROM film"}
REFUSED_BY_97 = {
    "video.hash": "CREATE PROCEDURE video.hash() SELECT PASSWORD('x')",
    "video.words97": "CREATE PROCEDURE video.words97() SELECT rank FROM film",
    "video.ordered": "CREATE PROCEDURE video.ordered() SELECT title FROM film GROUP BY title DESC",
    "video.secret_list": "CREATE VIEW video.secret_list AS SELECT ENCODE(title, 'k') AS t FROM video.film",
}
BROKEN_ON_97 = {
    "video.far_away": "CREATE FUNCTION video.far_away() RETURNS DOUBLE DETERMINISTIC "
    "RETURN GLength(GeomFromText('LINESTRING(0 0, 3 4)'))",
}
EVERYTHING = (*HEALTHY, *REFUSED_BY_57.values(), *REFUSED_BY_97.values(), *BROKEN_ON_97.values())

# How each thing that can be used is used.
USES = {
    "video.film_list": "SELECT * FROM video.film_list ORDER BY 1",
    "video.list [red]": "SELECT * FROM video.`list [red]` ORDER BY 1",
    "video.film_count": "SELECT video.film_count('G')",
    "video.rewards": "CALL video.rewards(1)",
    "video.quiet": "CALL video.quiet()",
    "video.far": "SELECT video.far(1)",
    "video.words57": "CALL video.words57()",
    "video.words97": "CALL video.words97()",
    "video.ordered": "CALL video.ordered()",
    "video.secret_list": "SELECT * FROM video.secret_list ORDER BY 1",
    "video.hash": "CALL video.hash()",
    "video.far_away": "SELECT video.far_away()",
    "video.film_text": "SELECT * FROM video.film_text ORDER BY 1",
    "video.address": "SELECT address_id, HEX(place) FROM video.address",
    "video.payment": "SELECT * FROM video.payment ORDER BY 1",
}
DROPS = {"video.secret_list": "VIEW"}
