"""What people at a terminal read, in their language: `tr` and `later`, over one catalogue per language.

The rest is beside it: `parser` arguments, `progress` and `colour` the terminal, `heard` what machines read too.
"""

from edge.words.language import LANGUAGES, LanguageError, choose, chosen, later, take_language, tr

__all__ = ["LANGUAGES", "LanguageError", "choose", "chosen", "later", "take_language", "tr"]
