"""The catalogue of sentences is whole, and each way in which it may not be is told."""

from collections.abc import Callable

import pytest

from tools.tidy.files import Source
from tools.tidy.words import check_words

CODE = 'print(tr("port {name} is in use", name=port))\nTABLE = {"a": later("ready")}\n'
CATALOGUE = '"port {name} is in use" = "cổng {name} đang được dùng"\n"ready" = "sẵn sàng"\n'
WRONG = (
    ("", '"lost" = "mất"\n', "'lost' is said nowhere"),
    ('tr("more")\n', "", "'more' has no entry"),
    ('tr("{a} of {b}")\n', '"{a} of {b}" = "{a}"\n', "has other {placeholders}"),
    ('tr("%(prog)s x")\n', '"%(prog)s x" = "x"\n', "has other %(placeholders)s"),
    ('tr(f"{a} of {b}")\n', "", "is given no literal"),
    ("later(text)\n", "", "is given no literal"),
    ('raise Mistake("more is needed")\n', "", "is said in English only"),
    ('raise UsageError(f"{a}: more is needed")\n', "", "is said in English only"),
    ('tr("more")\n', '"more" = " "\n', "an entry that is no text"),
    ('tr("more")\n', '"more" = "th\u0065\u0302m"\n', "composed letters"),
)


def findings(code: str = "", catalogue: str = "", second: str = "") -> list[str]:
    sources = [Source("edge/x.py", CODE + code), Source("edge/words/vi/x.toml", CATALOGUE + catalogue)]
    return check_words([*sources, Source("edge/words/vi/y.toml", second)])


def test_every_sentence_has_its_entry_and_every_entry_its_sentence(
    sources: list[Source], expect_none: Callable[[list[str]], None]
) -> None:
    expect_none(check_words(sources))


def test_a_whole_catalogue_is_not_told() -> None:
    assert findings() == []


@pytest.mark.parametrize(("code", "catalogue", "message"), WRONG)
def test_what_is_wrong_with_the_catalogue_is_told(code: str, catalogue: str, message: str) -> None:
    (finding,) = findings(code, catalogue)
    assert message in finding


def test_a_refusal_of_values_alone_is_not_told() -> None:
    assert findings('raise UsageError(f"{a}: {b}")\nraise Mistake(tr("ready"))\n') == []


def test_an_entry_in_two_files_is_told() -> None:
    (finding,) = findings(second='"ready" = "xong"\n')
    assert finding == "edge/words/vi/y.toml:1: 'ready' stands in another file too; keep one"


def test_argparse_itself_may_have_entries() -> None:
    assert findings(catalogue='"positional arguments" = "đối số"\n') == []
