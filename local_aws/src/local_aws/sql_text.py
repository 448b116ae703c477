"""SQL as tokens of the text it came from: Athena's two tongues, a cursor over tokens, and quoting."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from sqlglot.dialects import Hive, Trino
from sqlglot.tokens import Token, TokenType


def _symbols(keywords: dict[str, TokenType]) -> dict[str, TokenType]:
    return {text: kind for text, kind in keywords.items() if not any(c.isalpha() for c in text)}


# Without keywords every word is one token, and none (as SHOW or VACUUM) swallows the rest of the statement.
class _TrinoTokenizer(Trino.Tokenizer):  # type: ignore[misc] # sqlglot makes the class as it runs
    KEYWORDS = _symbols(Trino.Tokenizer.KEYWORDS)
    COMMANDS: ClassVar[set[TokenType]] = set()


class _HiveTokenizer(Hive.Tokenizer):  # type: ignore[misc]
    KEYWORDS = _symbols(Hive.Tokenizer.KEYWORDS)
    COMMANDS: ClassVar[set[TokenType]] = set()


def trino_tokens(sql: str) -> list[Token]:
    """The tokens of a query: `"name"`, 'it''s'. Raises sqlglot's TokenError."""
    tokens: list[Token] = _TrinoTokenizer(dialect=Trino()).tokenize(sql)
    return tokens


def hive_tokens(sql: str) -> list[Token]:
    """The tokens of Hive DDL: `name`, 'it\\'s', "text". Raises sqlglot's TokenError."""
    tokens: list[Token] = _HiveTokenizer(dialect=Hive()).tokenize(sql)
    return tokens


_TEXTS = {TokenType.STRING, TokenType.HEX_STRING, TokenType.UNICODE_STRING, TokenType.NATIONAL_STRING}


@dataclass(frozen=True)
class TableName:
    """A table as a statement names it; parts that it leaves out are None. Glue and Trino know lower case only."""

    catalog: str | None
    database: str | None
    table: str

    def __str__(self) -> str:
        return ".".join(part for part in (self.database, self.table) if part)


class ParseError(Exception):
    """The statement is not as the grammar wants it: `token` is what was found, None at the end; `expected` in words."""

    def __init__(self, token: Token | None, expected: str) -> None:
        super().__init__(expected)
        self.token = token
        self.expected = expected


class Cursor:
    """Reads tokens one after the other; the methods that expect something raise ParseError if it is not there."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.at = 0

    # --- looking ---

    def peek(self, ahead: int = 0) -> Token | None:
        """The token `ahead` places on, None behind the end."""
        place = self.at + ahead
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def word(self, ahead: int = 0) -> str:
        """The unquoted word there in upper case, or a symbol; empty for quoted text and behind the end."""
        token = self.peek(ahead)
        if token is None or token.token_type in _TEXTS or token.token_type == TokenType.IDENTIFIER:
            return ""
        return token.text.upper()

    @property
    def ended(self) -> bool:
        return self.peek() is None

    def looking_at(self, *words: str) -> bool:
        """Whether these words come next."""
        return all(self.word(ahead) == word for ahead, word in enumerate(words))

    # --- reading ---

    def fail(self, expected: str) -> ParseError:
        """The error for what comes next."""
        return ParseError(self.peek(), expected)

    def accept(self, *words: str) -> bool:
        """Read these words if they come next."""
        if not self.looking_at(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Read these words."""
        for word in words:
            if not self.accept(word):
                raise self.fail(f"'{word}'")

    def end(self) -> None:
        """Nothing may follow."""
        if not self.ended:
            raise self.fail("<EOF>")

    @property
    def token(self) -> Token:
        """The token there."""
        token = self.peek()
        if token is None:
            raise self.fail("more text")
        return token

    def take(self) -> Token:
        """Read any token."""
        token = self.token
        self.at += 1
        return token

    def items(self, opening: str = "(", closing: str = ")") -> Iterator[None]:
        """Read the parentheses of a list and the commas in it; whoever iterates reads an item on every turn."""
        self.expect(opening)
        while not self.accept(closing):
            yield
            if self.word() != closing:
                self.expect(",")

    def name(self) -> str:
        """Read a name, quoted or not, in lower case."""
        token = self.peek()
        if (
            token is None
            or token.token_type in _TEXTS
            or not (token.token_type == TokenType.IDENTIFIER or token.text[:1].isalnum() or token.text[:1] in "_$")
        ):
            raise self.fail("<identifier>")
        self.at += 1
        return token.text.lower()

    def qualified(self) -> list[str]:
        """Read a name and all its parts; `a.b` inside one pair of backticks is two parts, as Athena has it."""
        parts = self.name().split(".")
        while self.accept("."):
            parts.append(self.name())
        return parts

    def table_name(self) -> TableName:
        """Read the name of a table."""
        start = self.at
        parts = self.qualified()
        if len(parts) > 3:
            self.at = start
            raise self.fail("a table name of up to three parts")
        catalog, database, table = [None, None, *parts][-3:]
        return TableName(catalog, database, table or "")

    def string(self) -> str:
        """Read a quoted text and return what it stands for; Hive takes texts that touch for one."""
        token = self.peek()
        if token is None or token.token_type not in _TEXTS:
            raise self.fail("<string>")
        text = token.text
        self.at += 1
        while (more := self.peek()) and more.token_type in _TEXTS and more.start == token.end + 1:
            text += more.text
            token = more
            self.at += 1
        return text

    def skip_group(self) -> str:
        """Read from an opening to its closing parenthesis and return the text between them."""
        self.expect("(")
        start = self.tokens[self.at - 1].end + 1
        depth = 1
        while depth:
            token = self.take()
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        return self.sql[start : self.tokens[self.at - 1].start]

    def rest(self) -> str:
        """The text from the next token to the last, without comments around it."""
        return "" if self.ended else self.sql[self.tokens[self.at].start : self.tokens[-1].end + 1]


def position(sql: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a place in a statement."""
    return sql.count("\n", 0, offset) + 1, offset - (sql.rfind("\n", 0, offset) + 1) + 1


# --- quoting for Trino --------------------------------------------------------------------------------------------------


def quote_name(*parts: str) -> str:
    """Names as quoted identifiers with dots between."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def quote_text(text: str) -> str:
    """A text as a Trino literal."""
    return "'" + text.replace("'", "''") + "'"


# --- changes in place ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """Text to put in the place of sql[start:end]."""

    start: int
    end: int
    text: str = ""


def apply(sql: str, edits: Iterable[Edit]) -> str:
    """`sql` with the edits made.

    What is behind a change keeps its line, and where the new text is not longer its column: places in Trino's errors stay
    the author's.
    """
    pieces, done = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        old = sql[edit.start : edit.end]
        lines = "\n" * max(0, old.count("\n") - edit.text.count("\n"))
        blanks = len(old) - old.rfind("\n") - 1 if lines else len(old) - len(edit.text)
        pieces += [sql[done : edit.start], edit.text, lines, " " * blanks]
        done = edit.end
    return "".join([*pieces, sql[done:]])
