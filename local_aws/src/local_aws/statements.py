"""Athena's SQL to what carries it out: queries to Trino, Hive DDL to Glue.

A query's text goes to Trino as it came, but for what Trino reads differently: decimal literals, which are doubles in Athena,
the properties of CREATE TABLE AS, and the catalog of an Iceberg table's name.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, TokenError
from sqlglot.tokens import Token, TokenType

from local_aws import glue_ddl, hive_ddl, limits
from local_aws.limits import Refusal, refuse
from local_aws.plan import HIVE, Columns, EngineStep, GlueStep, OutputCheck, Statement, Table
from local_aws.sql_text import Cursor, Edit, ParseError, apply, hive_tokens, position, quote_text, trino_tokens


@dataclass(frozen=True)
class _Session:
    """What a statement is sent with."""

    database: str | None
    catalog: str = HIVE
    data_location: str | None = None
    location_enforced: bool = False
    workgroup: str = "primary"
    prepared: Callable[[str], str | None] = lambda name: None
    values: Sequence[str] | None = None  # SQL for each `?`; None if there cannot be any

    def step(self, sql: str, session: Mapping[str, str] | None = None) -> EngineStep:
        return EngineStep(sql, self.catalog, session or {})


def translate(
    sql: str,
    *,
    database: str | None,
    catalog: str = "AwsDataCatalog",
    execution_parameters: Sequence[str] = (),
    data_location: str | None = None,
    location_enforced: bool = False,
    workgroup: str = "primary",
    prepared: Callable[[str], str | None] = lambda name: None,
) -> Statement:
    """What to do for a statement that was sent with this database and catalog. Raises Refusal.

    `data_location` is where a CREATE TABLE AS that names no location keeps its data (Athena: under the query's output
    location, `tables/<id>/`), `location_enforced` whether the workgroup allows no other; `prepared` looks up the text of a
    prepared statement of the workgroup.
    """
    sql = sql.encode("utf-8", "replace").decode()  # JSON can name halves of surrogate pairs, which are no text
    limits.check_length(sql)
    engine_catalog = catalog.lower()
    if engine_catalog in ("system", "iceberg"):
        raise refuse("unknown-catalog", catalog=catalog)
    session = _Session(
        database=database and database.lower(),
        catalog=engine_catalog,
        data_location=data_location,
        location_enforced=location_enforced,
        workgroup=workgroup,
        prepared=prepared,
        values=[_parameter(value) for value in execution_parameters],
    )
    return _translate(sql, session)


def _translate(sql: str, session: _Session) -> Statement:
    sql = sql.strip()
    tokens = _tokens(trino_tokens, sql)
    hive = _is_hive_ddl(sql, tokens)
    if hive:
        tokens = _tokens(hive_tokens, sql) or tokens
    if tokens is None:
        return Statement("DML", "SELECT", (session.step(sql),))  # Trino says where the text or name begins that never ends
    tokens, text = _only_statement(sql, tokens)
    if not tokens:
        raise hive_ddl.syntax_error(sql, ParseError(None, _STATEMENT_WORDS))
    cursor = Cursor(text, tokens)
    try:
        return hive_ddl.translate(cursor, session.database) if hive else _Query(cursor, session).translate()
    except ParseError as error:
        raise hive_ddl.syntax_error(text, error) from None


def _tokens(tokenize: Callable[[str], list[Token]], sql: str) -> list[Token] | None:
    try:
        return tokenize(sql)
    except TokenError:
        return None


def _only_statement(sql: str, tokens: list[Token]) -> tuple[list[Token], str]:
    """The tokens of the one statement and the text to its end. Raises Refusal for several, or for none but a `;`."""
    ends = [token.start for token in tokens if token.token_type == TokenType.SEMICOLON]
    starts = [0, *(end + 1 for end in ends)]
    pieces = [(start, end) for start, end in zip(starts, [*ends, len(sql)], strict=True) if sql[start:end].strip()]
    if len(pieces) > 1:
        raise refuse("one-statement", sql=sql)
    if not pieces:
        raise refuse("empty-statement", sql=sql)
    inside = [token for token in tokens if pieces[0][0] <= token.start < pieces[0][1]]
    return inside, sql[: inside[-1].end + 1] if inside else sql


# --- which of the two tongues -------------------------------------------------------------------------------------------

_HIVE_SHOWS = {"TABLES", "VIEWS", "DATABASES", "SCHEMAS", "PARTITIONS", "COLUMNS", "TBLPROPERTIES", "CREATE"}


def _is_hive_ddl(sql: str, as_trino: list[Token] | None) -> bool:
    """Whether Athena reads the statement as Hive's DDL; `as_trino` are its tokens as a query, None if it cannot be one."""
    cursor = Cursor(sql, (as_trino if as_trino is not None else _tokens(hive_tokens, sql)) or [])
    match cursor.word(), cursor.word(1):
        case ("ALTER" | "MSCK", _) | ("DROP", "TABLE" | "DATABASE" | "SCHEMA"):
            return True
        case ("CREATE", "EXTERNAL" | "DATABASE" | "SCHEMA"):
            return True
        case "CREATE", "TABLE":
            return as_trino is None or not _is_table_as(sql, as_trino)
        case "SHOW", second:
            return second in _HIVE_SHOWS
        case (("DESCRIBE" | "DESC"), second):
            return second not in ("INPUT", "OUTPUT") or cursor.peek(2) is None
    return False


def _is_table_as(sql: str, tokens: list[Token]) -> bool:
    """Whether a CREATE TABLE has a query, by its tokens as Trino's: AS or WITH ( outside of parentheses."""
    cursor = Cursor(sql, tokens)
    depth = 0
    for place, token in enumerate(tokens):
        cursor.at = place
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth or place < 3:
            continue
        if cursor.looking_at("WITH", "("):
            return True
        if cursor.word() == "AS" and cursor.word(-1) != "STORED":
            # What looks like AS may be the inside of one of Hive's texts: 'it\'s as select'.
            return _tokens(hive_tokens, sql[: token.start]) is not None
    return False


# --- statements of Trino ------------------------------------------------------------------------------------------------

# What Athena lists in its answer to an unknown first word, as measured by github.com/aoyagikouhei/athena-local.
_STATEMENT_WORDS = (
    "'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', 'DEALLOCATE', 'DELETE', 'DENY', 'DESC', 'DESCRIBE', 'DROP', "
    "'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', 'PREPARE', 'REFRESH', 'RESET', 'REVOKE', 'ROLLBACK', 'SET', 'SHOW', "
    "'START', 'TRUNCATE', 'UNLOAD', 'UPDATE', 'USE', <query>"
)
_UNSUPPORTED = {"START", "COMMIT", "ROLLBACK", "USE", "SET", "RESET", "CALL", "GRANT", "REVOKE", "DENY", "ANALYZE"}
_UNSUPPORTED |= {"TRUNCATE", "COMMENT", "REFRESH", "CREATE", "DROP", "SHOW", "LOCK", "UNLOCK", "EXPORT", "IMPORT", "DFS"}
_QUERY_WORDS = {"SELECT", "WITH", "VALUES", "TABLE", "("}
_ROW_CHANGES = {"UPDATE": ("UPDATE",), "DELETE": ("DELETE", "FROM"), "MERGE": ("MERGE", "INTO")}


@dataclass
class _Query:
    """One statement for Trino, and what has to change in its text."""

    cursor: Cursor
    session: _Session
    edits: list[Edit] = field(default_factory=list)
    engine_session: dict[str, str] = field(default_factory=dict)
    checks: list[OutputCheck] = field(default_factory=list)

    def translate(self) -> Statement:
        cursor = self.cursor
        self._check_tokens()
        match cursor.word(), cursor.word(1):
            case word, _ if word in _QUERY_WORDS:
                return self._statement("DML", "SELECT")
            case "INSERT", _:
                return self._statement("DML", "INSERT")
            case ("UPDATE" | "DELETE" | "MERGE") as word, _:
                return self._row_change(word)
            case "CREATE", "TABLE":
                return self._table_as()
            case "CREATE", "VIEW":
                return self._view(2)
            case "CREATE", "OR" if cursor.word(2) == "REPLACE" and cursor.word(3) == "VIEW":
                return self._view(4)
            case "CREATE", "OR" if cursor.word(2) == "REPLACE" and cursor.word(3) == "TABLE":
                raise self._refuse_at("create-or-replace-table", cursor.tokens[3], word=cursor.tokens[3].text)
            case "DROP", "VIEW":
                return self._statement("DDL", "DROP_VIEW")
            case "EXPLAIN", _:
                return self._explain()
            case "SHOW", "FUNCTIONS" | "CATALOGS":
                return self._statement("UTILITY", f"SHOW_{cursor.word(1)}")
            case "DESCRIBE" | "DESC", _:
                raise refuse("describe-input")
            case "USING", "EXTERNAL":
                raise refuse("external-function")
            case "UNLOAD", _:
                return self._unload()
            case "OPTIMIZE", _:
                return self._optimize()
            case "VACUUM", _:
                return self._vacuum()
            case "PREPARE", _:
                return self._prepare()
            case "EXECUTE", _:
                return self._execute()
            case "DEALLOCATE", _:
                return self._deallocate()
            case word, _ if word in _UNSUPPORTED:
                raise refuse("unsupported-statement")
        raise hive_ddl.syntax_error(cursor.sql, ParseError(cursor.peek(), _STATEMENT_WORDS))

    # --- the text ---

    def _statement(
        self, kind: str, subkind: str, *, before: Sequence[GlueStep] = (), after: Sequence[GlueStep] = ()
    ) -> Statement:
        """The statement with its one step on Trino."""
        sql = self._bound(self._edited())
        steps: tuple[EngineStep | GlueStep, ...] = (*before, self.session.step(sql, self.engine_session))
        return Statement(kind, subkind, steps, tuple(self.checks), tuple(after))

    def _edited(self) -> str:
        return apply(self.cursor.sql, [*self.edits, *self._doubles()]).rstrip()

    def _doubles(self) -> list[Edit]:
        """`1.5` is a double in Athena and a decimal in Trino, which reads `1.5E0` as Athena does."""
        edits = []
        tokens = self.cursor.tokens
        for place, token in enumerate(tokens):
            if token.token_type != TokenType.NUMBER or "e" in token.text.lower():
                continue
            if "." in token.text or _fraction_only(tokens, place):
                edits.append(Edit(token.end + 1, token.end + 1, "E0"))
        changed = [(edit.start, edit.end) for edit in self.edits]
        return [edit for edit in edits if not any(start < edit.start <= end for start, end in changed)]

    def _placeholders(self) -> list[Token]:
        return [token for token in self.cursor.tokens if token.token_type == TokenType.PLACEHOLDER]

    def _bound(self, sql: str) -> str:
        """The statement with the values for its `?`. Raises Refusal if there are not as many."""
        expected = len(self._placeholders())
        values = self.session.values
        if not expected or values is None:
            return sql
        if len(values) != expected:
            raise refuse("parameter-count", expected=expected, found=len(values))
        return f"EXECUTE IMMEDIATE {quote_text(sql)} USING {', '.join(values)}"

    def _query_text(self, first: Token, last: Token) -> str:
        """The query from one token to another, with the values for its `?` in their places."""
        values = iter(self.session.values or ())
        bound = [Edit(token.start, token.end + 1, f"({next(values, '?')})") for token in self._placeholders()]
        inside = [edit for edit in (*bound, *self._doubles()) if first.start <= edit.start <= last.end + 1]
        return apply(self.cursor.sql[: last.end + 1], inside)[first.start :]

    def _check_query(self, first: Token, last: Token, check: Callable[[Columns], None]) -> None:
        self.checks.append(OutputCheck(self._query_text(first, last), check))

    # --- what any statement may not have ---

    def _refuse_at(self, limit: str, token: Token, **values: object) -> Refusal:
        line, column = position(self.cursor.sql, token.start)
        return refuse(limit, line=line, column=column, **values)

    def _check_tokens(self) -> None:
        """Raises Refusal for a catalog or function of the engine that Athena does not have."""
        cursor = self.cursor
        for place, token in enumerate(cursor.tokens):
            cursor.at = place
            if cursor.looking_at("VERSION", "(", ")") and cursor.word(-1) != ".":
                raise self._refuse_at("engine-version", token, name="version")
            if cursor.word() in ("FROM", "JOIN", "INTO") and cursor.word(2) == cursor.word(4) == ".":
                catalog = cursor.tokens[place + 1].text.lower()
                if catalog == "system":
                    raise refuse("system-catalog")
                if catalog == "iceberg":
                    raise self._refuse_at("engine-catalog", cursor.tokens[place + 1], catalog=catalog)
        cursor.at = 0

    # --- kinds of statements ---

    def _target(self) -> Table | None:
        """Read the name of a table of the Glue catalog; None if Trino had better say what is wrong with it."""
        try:
            return hive_ddl.resolve(self.cursor.table_name(), self.session.database)
        except (ParseError, Refusal):
            return None

    def _row_change(self, word: str) -> Statement:
        self.cursor.accept(*_ROW_CHANGES[word])
        table = self._target()
        before = [GlueStep(partial(glue_ddl.check_row_changes, table=table))] if table else []
        return self._statement("DML", word, before=before)

    def _view(self, words: int) -> Statement:
        cursor = self.cursor
        cursor.at = words
        table = self._target()
        body = self._find("AS")
        if table is None or body is None:
            return self._statement("DDL", "CREATE_VIEW")
        self._check_query(cursor.tokens[body + 1], cursor.tokens[-1], limits.check_view_columns)
        fill = GlueStep(partial(glue_ddl.fill_view_columns, table=table))
        return self._statement("DDL", "CREATE_VIEW", after=[fill])

    def _find(self, *words: str) -> int | None:
        """The place of the next such words outside of parentheses that something follows."""
        cursor = self.cursor
        depth = 0
        for place in range(cursor.at, len(cursor.tokens) - 1):
            ahead = place - cursor.at
            if not depth and all(cursor.word(ahead + more) == word for more, word in enumerate(words)):
                return place
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(cursor.tokens[place].token_type, 0)
        return None

    def _explain(self) -> Statement:
        cursor = self.cursor
        cursor.take()
        if cursor.accept("ANALYZE"):
            cursor.accept("VERBOSE")
        if cursor.word() == "(" and cursor.word(1) in ("TYPE", "FORMAT"):
            cursor.skip_group()
        match cursor.word(), cursor.word(1):
            case "CREATE", "TABLE":
                self._table_as()
                self.checks.clear()
            case "UNLOAD", _:
                self._unload()
            case word, _ if word not in _QUERY_WORDS | {"INSERT", *_ROW_CHANGES}:
                raise refuse("explain-statement")
        return self._statement("DML", "EXPLAIN")

    # --- CREATE TABLE AS and UNLOAD ---

    def _table_as(self) -> Statement:
        cursor = self.cursor
        cursor.expect("CREATE", "TABLE")
        cursor.accept("IF", "NOT", "EXISTS")
        name_at = cursor.at
        table = self._target()
        name_end = cursor.at
        with_at, body = self._find("WITH", "("), self._find("AS")
        if body is None:
            token = cursor.tokens[(with_at or 0) + 1]
            raise self._refuse_at("create-table-like", token, problem=hive_ddl.no_viable(cursor, token))
        if table is None:
            return self._statement("DDL", "CREATE_TABLE_AS_SELECT")
        if with_at is not None and with_at > body:
            with_at = None  # of the query
        properties = self._properties(with_at + 1) if with_at is not None else {}
        if properties.get("table_type", _NO_PROPERTY).value.upper() == "ICEBERG":
            self._iceberg_properties(properties)
            first, last = cursor.tokens[name_at], cursor.tokens[name_end - 1]
            self.edits.append(Edit(first.start, last.end + 1, table.in_iceberg))
            self._check_query(cursor.tokens[body + 1], self._query_end(), limits.check_iceberg_columns)
        else:
            self._hive_properties(properties)
        start = cursor.tokens[with_at].start if with_at is not None else cursor.tokens[body].start
        end = cursor.tokens[cursor.at - 1].end + 1 if with_at is not None else start
        self._replace_with(start, end, properties)
        return self._statement("DDL", "CREATE_TABLE_AS_SELECT")

    def _query_end(self) -> Token:
        """The last token of the query in CREATE TABLE AS, before WITH [NO] DATA."""
        tokens = self.cursor.tokens
        for words in (("WITH", "NO", "DATA"), ("WITH", "DATA")):
            if Cursor(self.cursor.sql, tokens[-len(words) :]).looking_at(*words):
                return tokens[-len(words) - 1]
        return tokens[-1]

    def _properties(self, at: int) -> dict[str, "_Property"]:
        """Read `(name = expression, ...)`, where names are what Athena takes: lower case. The cursor ends behind it."""
        cursor = self.cursor
        cursor.at = at
        found: dict[str, _Property] = {}
        for _ in cursor.items():
            name = cursor.take().text
            cursor.expect("=")
            first = cursor.at
            depth = 0
            while depth or cursor.word() not in (",", ")"):
                depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(cursor.take().text, 0)
            tokens = cursor.tokens[first : cursor.at]
            found[name] = _Property(cursor.sql[tokens[0].start : tokens[-1].end + 1], tokens[0].text)
        return found

    def _replace_with(self, start: int, end: int, properties: Mapping[str, "_Property"]) -> None:
        inside = ", ".join(f"{name} = {found.sql}" for name, found in properties.items())
        text = f"WITH ({inside})" if inside else ""
        self.edits.append(Edit(start, end, text if end > start or not text else f"{text} "))

    def _hive_properties(self, properties: dict[str, "_Property"]) -> None:
        """Turn Athena's properties of a hive table into Trino's. Raises Refusal."""
        if "external_location" in properties and self.session.location_enforced:
            raise refuse("location-enforced")
        properties.pop("table_type", None)
        properties.pop("is_external", None)
        self._file_properties(properties)
        if "external_location" not in properties and self.session.data_location:
            properties["external_location"] = _Property(quote_text(self.session.data_location), self.session.data_location)

    def _file_properties(self, properties: dict[str, "_Property"]) -> None:
        """Turn Athena's properties of the files of a hive table into Trino's. Raises Refusal."""
        compressions = [name for name in _COMPRESSIONS if name in properties]
        if len(compressions) > 1:
            raise refuse("compression", keys=", ".join(compressions))
        for name in compressions:
            self.engine_session["awsdatacatalog.compression_codec"] = hive_ddl.codec(properties.pop(name).value)
        properties.pop("compression_level", None)
        delimiter = properties.pop("field_delimiter", None)
        if delimiter and properties.get("format", _NO_PROPERTY).value.upper() == "TEXTFILE":
            properties["textfile_field_separator"] = delimiter

    def _iceberg_properties(self, properties: dict[str, "_Property"]) -> None:
        """Turn Athena's properties of an Iceberg table into Trino's. Raises Refusal."""
        properties.pop("table_type")
        if properties.pop("is_external", _NO_PROPERTY).value.upper() == "TRUE":
            raise refuse("iceberg-external", key="is_external")
        for key in ("external_location", "partitioned_by", "bucketed_by", "bucket_count"):
            if key in properties:
                raise refuse("iceberg-external", key=key)
        if "location" not in properties:
            raise refuse("iceberg-location")
        known = {name: properties.pop(name).value for name in list(properties) if name in limits.ICEBERG_PROPERTIES}
        settings, session = hive_ddl.iceberg_properties(known)
        properties |= {name: _Property(sql, sql) for name, sql in settings.items()}
        self.engine_session |= session

    def _unload(self) -> Statement:
        """UNLOAD (query) TO 'location' WITH (...): a table over the location for as long as it is written."""
        cursor = self.cursor
        first = cursor.take()
        opening = cursor.token
        cursor.skip_group()
        closing = cursor.tokens[cursor.at - 1]
        cursor.expect("TO")
        location = cursor.string()
        properties = self._properties(cursor.at) if cursor.accept("WITH") else {}
        cursor.end()
        if "compression" in properties:
            properties["write_compression"] = properties.pop("compression")
        self._file_properties(properties)
        properties["external_location"] = _Property(quote_text(location), location)
        digest = hashlib.sha256(location.encode()).hexdigest()[:16]
        table = Table(self.session.database or hive_ddl.DEFAULT_DATABASE, f"unload_{digest}")
        inside = ", ".join(f"{name} = {found.sql}" for name, found in properties.items())
        created = f"CREATE TABLE {table.in_hive} WITH ({inside}) AS "
        self.edits += [
            Edit(first.start, opening.start, created),
            Edit(closing.end + 1, cursor.tokens[-1].end + 1),
        ]
        remove = GlueStep(partial(glue_ddl.delete_table, table=table))
        return self._statement("DML", "UNLOAD", after=[remove])

    # --- Iceberg tables ---

    def _maintained(self) -> Table:
        """Read the name of a table. Raises Refusal for one in double quotes."""
        cursor = self.cursor
        token = cursor.peek()
        if token is not None and token.token_type == TokenType.IDENTIFIER and cursor.sql[token.start] == '"':
            first = cursor.tokens[0]
            raise self._refuse_at("quoted-name-optimize", first, word=first.text, expecting=_STATEMENT_WORDS)
        return hive_ddl.resolve(cursor.table_name(), self.session.database)

    def _optimize(self) -> Statement:
        cursor = self.cursor
        cursor.take()
        table = self._maintained()
        cursor.expect("REWRITE", "DATA", "USING", "BIN_PACK")
        if not cursor.ended:
            cursor.expect("WHERE")
            # Trino takes a condition on partition columns only: it is looked at, and the whole table is rewritten.
            condition = self._query_text(cursor.take(), cursor.tokens[-1])
            query = f"SELECT 1 one FROM {table.in_hive} WHERE ({condition})"  # noqa: S608 the author's own query
            self.checks.append(OutputCheck(query, lambda columns: None))

        def steps(properties: Mapping[str, str]) -> tuple[EngineStep, ...]:
            size = properties.get("optimize_rewrite_min_data_file_size_bytes", _OPTIMIZED_BYTES)
            return (
                EngineStep(f"ALTER TABLE {table.in_iceberg} EXECUTE optimize(file_size_threshold => {quote_text(f'{size}B')})"),
            )

        step = GlueStep(partial(glue_ddl.iceberg_table, table=table, steps=steps))
        return Statement("DDL", "CREATE_TABLE_AS_SELECT", (step,), tuple(self.checks))

    def _vacuum(self) -> Statement:
        cursor = self.cursor
        cursor.take()
        table = self._maintained()
        cursor.end()

        def steps(properties: Mapping[str, str]) -> tuple[EngineStep, ...]:
            age = quote_text(f"{properties.get('vacuum_max_snapshot_age_seconds') or _SNAPSHOT_SECONDS}s")
            # How many snapshots to keep, Iceberg knows from the table's metadata.
            procedures = ("expire_snapshots", "remove_orphan_files")
            return tuple(
                EngineStep(f"ALTER TABLE {table.in_iceberg} EXECUTE {procedure}(retention_threshold => {age})")
                for procedure in procedures
            )

        return Statement("DML", "VACUUM_TABLE", (GlueStep(partial(glue_ddl.iceberg_table, table=table, steps=steps)),))

    # --- prepared statements ---

    def _prepare(self) -> Statement:
        cursor = self.cursor
        cursor.take()
        name = cursor.name()
        cursor.expect("FROM")
        step = GlueStep(partial(glue_ddl.prepare, name=name, query=cursor.rest()))
        return Statement("UTILITY", "PREPARE", (step,))

    def _execute(self) -> Statement:
        cursor = self.cursor
        cursor.take()
        name = cursor.name()
        text = self.session.prepared(name)
        if text is None:
            raise refuse("prepared-statement", name=name, workgroup=self.session.workgroup)
        values = []
        if cursor.accept("USING"):
            values = self._expressions()
        else:
            cursor.end()
        inner = _translate(text, replace(self.session, values=values))
        if inner.substatement_type == "SELECT":
            return replace(inner, substatement_type="EXECUTE")
        return inner

    def _expressions(self) -> list[str]:
        """The texts between the commas that are not inside of parentheses, to the end of the statement."""
        cursor = self.cursor
        found = []
        first, depth = cursor.at, 0
        for place in range(cursor.at, len(cursor.tokens) + 1):
            text = cursor.tokens[place].text if place < len(cursor.tokens) else ","
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text, 0)
            if text == "," and (not depth or place == len(cursor.tokens)) and place > first:
                found.append(cursor.sql[cursor.tokens[first].start : cursor.tokens[place - 1].end + 1])
                first = place + 1
        return found

    def _deallocate(self) -> Statement:
        cursor = self.cursor
        cursor.expect("DEALLOCATE", "PREPARE")
        step = GlueStep(partial(glue_ddl.deallocate, name=cursor.name()))
        return Statement("UTILITY", "DEALLOCATE", (step,))


_COMPRESSIONS = ("write_compression", "parquet_compression", "orc_compression")
_OPTIMIZED_BYTES = str(512 * 2**20 * 3 // 4)  # Athena's default: files below 0.75 of 512 MB are rewritten
_SNAPSHOT_SECONDS = 5 * 24 * 60 * 60  # Athena's default


@dataclass(frozen=True)
class _Property:
    """A property of CREATE TABLE AS: its expression, and what the first token of it stands for."""

    sql: str
    value: str


_NO_PROPERTY = _Property("", "")


def _fraction_only(tokens: list[Token], place: int) -> bool:
    """Whether a number is the rest of `.5`: behind a dot that is behind nothing."""
    if place == 0 or tokens[place - 1].token_type != TokenType.DOT or tokens[place - 1].end + 1 != tokens[place].start:
        return False
    return place == 1 or tokens[place - 2].end + 1 != tokens[place - 1].start or tokens[place - 2].text in "(,+-*/%<>=|["


def _parameter(value: str) -> str:
    """An ExecutionParameter as SQL: an expression without names of columns as it is, anything else as a text.

    As measured on Athena by github.com/aoyagikouhei/athena-local (docs/parameters.md).
    """
    try:
        tokens = trino_tokens(value)
        expression = sqlglot.parse_one(value, read="trino")
    except SqlglotError:
        return quote_text(value)
    plain = isinstance(expression, exp.Condition | exp.Cast | exp.Interval | exp.Paren | exp.Null | exp.Boolean)
    if not tokens or not plain or expression.find(exp.Column) or any(token.token_type == TokenType.SEMICOLON for token in tokens):
        return quote_text(value)
    text = value[tokens[0].start : tokens[-1].end + 1]
    return apply(text, _Query(Cursor(text, trino_tokens(text)), _Session(None))._doubles())
