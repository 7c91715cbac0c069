"""What takes the place of a collation that the old server does not have."""

from __future__ import annotations

from providers.mysql.bridge.collations import Collation, translation

OLD = (
    Collation(8, "latin1_swedish_ci", "latin1", default=True),
    Collation(45, "utf8mb4_general_ci", "utf8mb4", default=True),
    Collation(46, "utf8mb4_bin", "utf8mb4", default=False),
    Collation(224, "utf8mb4_unicode_ci", "utf8mb4", default=False),
)


def of(*new: Collation) -> dict[int, int]:
    return dict(translation(new, OLD).table)


def test_what_both_have_is_left_alone() -> None:
    found = translation(OLD, OLD)
    assert (found.table, found.names, found.charsets) == ({}, frozenset(), frozenset())


def test_a_new_one_becomes_the_default_of_its_character_set() -> None:
    assert of(Collation(255, "utf8mb4_0900_ai_ci", "utf8mb4", default=True)) == {255: 45}


def test_one_that_tells_capitals_apart_becomes_the_binary_one() -> None:
    assert of(
        Collation(278, "utf8mb4_0900_as_cs", "utf8mb4", default=False),
        Collation(309, "utf8mb4_0900_bin", "utf8mb4", default=False),
        Collation(1032, "latin1_nopad_bin", "latin1", default=False),
    ) == {278: 46, 309: 46, 1032: 8}


def test_a_number_that_means_another_character_set_is_not_the_same() -> None:
    assert of(Collation(8, "utf8mb4_new_ci", "utf8mb4", default=False)) == {8: 45}


def test_a_character_set_that_is_lacking_has_no_place() -> None:
    found = translation([Collation(248, "gb18030_chinese_ci", "gb18030", default=True)], OLD)
    assert found.table == {}
    assert found.charsets == {"gb18030"}
    assert found.names == {"gb18030_chinese_ci"}
