"""SUPPORT.md says what the tests say."""

import support_page


def test_the_page_is_up_to_date() -> None:
    assert support_page.PAGE.read_text() == support_page.page(), "run: python tests/support_page.py"
