"""Seeded sample logs: a storefront's traffic, laid out as CloudWatch export tasks leave it in a bucket.

The traffic has what a report should find: a daily and a weekly rhythm, a funnel, returning users, bots, an
incident, a burst of failed logins, and exports that are empty, repeated or broken off. `place_stories` says
on which day each of them is.

Lines depend on the arguments alone. So do the compressed bytes, for one build of zlib.
"""

import gzip
import json
import uuid
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import sqrt
from pathlib import Path
from random import Random
from typing import TypeVar
from urllib.parse import quote_plus

from . import __version__
from .lake import WRITE_TEST

T = TypeVar("T")

# What make demo writes.
DEFAULT_DAYS = 28
DEFAULT_EVENTS_PER_DAY = 7_200
DEFAULT_SEED = 1
DEFAULT_END_DATE = date(2026, 10, 31)

API_GROUP = "/storefront/api"
AUTH_GROUP = "/storefront/auth"
API_SERVERS = 3

OBJECT_LINES = 200_000
OBJECT_BYTES = 50_000_000  # before compression
BATCH_LINES = 10_000  # compressed at once; an object's limits are checked this often
COMPRESSION = 3  # level 4 takes two thirds more time for 6% fewer bytes

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# Whole numbers: sums of fractions differ between versions of Python.
NIGHT_AND_MORNING = (12, 8, 5, 4, 4, 6, 12, 22, 34, 40, 43, 46)
AFTERNOON_AND_EVENING = (52, 50, 46, 45, 48, 56, 68, 84, 92, 80, 52, 26)
HOUR_WEIGHTS = NIGHT_AND_MORNING + AFTERNOON_AND_EVENING
WEEKDAY_WEIGHTS = (92, 90, 90, 93, 100, 130, 125)  # from Monday

INCIDENT_MS = range(18 * HOUR_MS, 20 * HOUR_MS)
LOGIN_BURST_HOUR = 3
LATE_FROM_HOUR = 22  # from here on, the repeated day's first server has no network and delivers its lines later
ORDINARY_FAILURES = 0.01  # of a step's failure rate during the incident
IDENTICAL_EVERY = 2_000  # entries
RETRY_RATE = 0.05  # of purchases

# Shares of the visits, and of the people who reached the step before.
SHOPPING, CRAWLING = 0.8, 0.1
SEARCHING, VIEWING, VIEWING_ON, ADDING, CHECKING_OUT, BUYING = 0.75, 0.85, 0.6, 0.3, 0.45, 0.65
KNOWN_FROM_THE_START, LOGGING_IN, MISTYPING, UPLOADING, UPLOAD_REJECTED = 0.35, 0.4, 0.15, 0.15, 0.12
SHARING_WISHLIST = 0.01  # of a known user's product views


@dataclass(frozen=True, slots=True)
class Step:
    """A kind of request: its name and method in the log, usual latency, and failure rate in the incident."""

    name: str
    method: str
    usual_ms: float
    failure_rate: float = 0.02


PAGE = Step("page_viewed", "GET", 18)
SEARCH = Step("searched", "GET", 64)
PRODUCT = Step("product_viewed", "GET", 23)
CART = Step("added_to_cart", "POST", 31, 0.15)
CHECKOUT = Step("checkout_started", "POST", 110, 0.9)
PURCHASE = Step("purchased", "POST", 240, 0)  # logged once the order stands
LOGIN = Step("logged_in", "POST", 85, 0)
FAILED_LOGIN = Step("login_failed", "POST", 85, 0)
UPLOAD = Step("upload_requested", "POST", 27, 0)
HEALTH = Step("health_checked", "GET", 2)

PAGES = ("/", "/deals", "/about", "/categories/3", "/categories/12", "/help/returns")
MISSING_PAGES = ("/wp-login.php", "/.env", "/old-catalogue")
QUERIES = ("desk lamp", "café mug", '27" monitor stand', "rain jacket", "keyboard", "back\\slash tape", "pots & pans")
# Path and field of each search and product.
SEARCHES = tuple((f"/search?q={quote_plus(query)}", f',"query":{json.dumps(query)}') for query in QUERIES)
PRODUCTS = tuple((f"/products/p-{number}", f',"productId":"p-{number}"') for number in range(1000, 1400))
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BROWSERS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.6 Safari/605.1.15",
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
)
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.14.1",
    "python-requests/2.32.5",
)
HEALTH_CHECKERS = ("ELB-HealthChecker/2.0",)
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # set aside for documentation (RFC 5737)
STACK_TRACE = "Error: connect ETIMEDOUT 192.0.2.20:5432\n    at Pool.get (pool.js:88:13)\n    at serve (api.js:41:7)"
STACK_TRACES = 0.1  # of failures
PLAIN_TEXTS = ("price list loaded, 400 products", "connection pool resized to 20", "slow start: cache is cold")
PLAIN_TEXT_RATE = 0.2  # an hour

# Drawn from by a random number of so many bits, faster than worked out for each line.
DRAW_BITS = 10
DRAWS = 1 << DRAW_BITS
LATENCY_FACTORS = tuple(0.7 + 0.3 / sqrt(1 - draw / DRAWS) for draw in range(DRAWS))  # roots are exact everywhere
PAUSES_MS = tuple(1_500 + draw**3 * 60_000 // DRAWS**3 for draw in range(DRAWS))


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What the published exports hold: tasks with a record, their objects, lines, and compressed bytes."""

    exports: int
    objects: int
    lines: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Stories:
    """The day of each story, counted from 0. `empty_day` is None where days are too few to spare one."""

    broken_off_export: int
    repeated_export: int
    login_burst: int
    empty_day: int | None
    incident: int


def place_stories(days: int) -> Stories:
    """Spread the stories over the days: from five days on each has its own, below that they share."""
    first, second, third, fourth, fifth = (days * sixth // 6 for sixth in range(1, 6))
    return Stories(first, second, third, fourth if days >= 5 else None, fifth)


@dataclass(slots=True)
class _Visitor:
    """Where a visitor is in time (ms since the day's midnight), and the fields on each of their lines."""

    at_ms: int
    client: str
    session: str = ""
    user: str = ""


class _Traffic:
    """The storefront's lines, made hour by hour, and held until taken: a session may outlast its hour.

    An entry of a list is one log event with its time in front, so sorting entries as text sorts them by time.
    """

    def __init__(self, seed: int, events_per_day: int) -> None:
        rng = Random(f"traffic {seed}")
        self._random = rng.random
        self._bits = rng.getrandbits
        self._events_per_day = events_per_day
        self._day = 0
        self._owed = 0.0
        self._incident = range(0)
        self._is_attacked = False
        self._minutes: list[str] = []
        self._seconds = [f"{ms // 1000:02}.{ms % 1000:03}Z" for ms in range(MINUTE_MS)]
        self.api: list[str] = []
        self.auth: list[str] = []
        self.worker: list[str] = []

    def start_day(self, day: date, number: int, stories: Stories) -> None:
        """Move midnight to `day`, which is the `number`th from 0."""
        self._day = number
        self._incident = INCIDENT_MS if number == stories.incident else range(0)
        self._is_attacked = number == stories.login_burst
        midnight = datetime.combine(day, time())
        # Of the next day too, for sessions that go on past midnight.
        self._minutes = [f"{midnight + timedelta(minutes=n):%Y-%m-%dT%H:%M:}" for n in range(2 * 24 * 60)]

    def clear(self) -> None:
        """Forget the entries that are not taken."""
        for entries in (self.api, self.auth, self.worker):
            entries.clear()

    def fill_hour(self, hour: int, events: float) -> None:
        """Let visitors arrive until there are as many entries as `events`, less what earlier hours overdid."""
        self._owed += events
        while self._owed > 0:
            before = len(self.api) + len(self.auth) + len(self.worker)
            self._visit(int((hour + self._random()) * HOUR_MS))
            self._owed -= len(self.api) + len(self.auth) + len(self.worker) - before
        if self._random() < PLAIN_TEXT_RATE:
            stamp = self._stamp(int((hour + self._random()) * HOUR_MS))
            self.api.append(f"{stamp} {self._pick(PLAIN_TEXTS)}")
        if self._is_attacked and hour == LOGIN_BURST_HOUR:
            self._attack_logins(hour)

    def take(self, entries: list[str], hours: int) -> list[str]:
        """Remove and return, in order of time, the list's entries from the day's first `hours` hours."""
        entries.sort()
        cut = bisect_left(entries, self._minutes[hours * 60])
        taken = entries[:cut]
        del entries[:cut]
        for place in range(int(self._random() * IDENTICAL_EVERY), len(taken), IDENTICAL_EVERY):
            taken[place] += "\n" + taken[place]
        return taken

    def _stamp(self, at_ms: int) -> str:
        return self._minutes[at_ms // MINUTE_MS] + self._seconds[at_ms % MINUTE_MS]

    def _pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]  # several times as fast as Random.choice

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._bits(128), version=4)

    def _client(self, agents: tuple[str, ...]) -> str:
        """The fields that say what a visitor uses, which end their lines."""
        return f',"userAgent":"{self._pick(agents)}","ip":"{self._pick(NETWORKS)}.{1 + self._bits(7)}"}}'

    def _person(self, at_ms: int) -> _Visitor:
        return _Visitor(at_ms, self._client(BROWSERS), session=f',"sessionId":"s-{self._bits(48):012x}"')

    def _user(self) -> str:
        """Draw a user: mostly of the newest, so that one visits less as others join, or one of the loyal few.

        Drawn by number and not remembered, so that users come back over weeks in the same memory.
        """
        known = 50 + self._events_per_day // 3
        rank = self._random()
        if self._random() < 0.1:
            number = int(rank * known / 20)
        else:
            joined = self._day * known // 30
            number = known + joined - int(known * rank * rank * rank)
        return f',"userId":"u-{10_000 + number}"'

    def _attack_logins(self, hour: int) -> None:
        """Guess passwords from four sessions for twenty minutes, from ten past the hour."""
        attackers = [self._person(0) for _ in range(4)]
        for attempt in range(1 + self._events_per_day // 40):
            attacker = attackers[attempt % len(attackers)]
            attacker.at_ms = hour * HOUR_MS + int((10 + 20 * self._random()) * MINUTE_MS)
            self._request(attacker, FAILED_LOGIN, "/login", status=401, log=self.auth)

    def _visit(self, at_ms: int) -> None:
        draw = self._random()
        if draw < SHOPPING:
            self._shop(at_ms)
        elif draw < SHOPPING + CRAWLING:
            self._crawl(at_ms)
        else:
            self._request(_Visitor(at_ms, self._client(HEALTH_CHECKERS)), HEALTH, "/health")

    def _crawl(self, at_ms: int) -> None:
        bot = _Visitor(at_ms, self._client(BOTS))
        self._request(bot, PAGE, self._pick(MISSING_PAGES), status=404)
        for _ in range(self._bits(4)):
            self._view(bot)

    def _shop(self, at_ms: int) -> None:
        """One person's session: each step of the funnel comes after the one before it, or not at all."""
        random = self._random
        person = self._person(at_ms)
        if random() < KNOWN_FROM_THE_START:
            person.user = self._user()
        for _ in range(1 + self._bits(1)):
            self._request(person, PAGE, self._pick(PAGES))
        if random() > SEARCHING:
            return
        for _ in range(1 + self._bits(1)):
            path, query = self._pick(SEARCHES)
            self._request(person, SEARCH, path, details=query)
        if random() > VIEWING:
            return
        product = self._view(person)
        while random() < VIEWING_ON:
            product = self._view(person)
        if not person.user and random() < LOGGING_IN:
            self._log_in(person)
        if person.user and random() < UPLOADING:
            self._upload(person)
        if random() < ADDING:
            self._request(person, CART, "/cart/items", details=product)
            if random() < CHECKING_OUT:
                self._check_out(person, product)

    def _view(self, visitor: _Visitor) -> str:
        """View a product, the first ones more often, and return the field that names it."""
        path, product = PRODUCTS[int(len(PRODUCTS) * self._random() * self._random())]
        self._request(visitor, PRODUCT, path, details=product)
        if visitor.user and self._random() < SHARING_WISHLIST:
            self._event(self.api, visitor, visitor.at_ms, "wishlist_shared", product)
        return product

    def _log_in(self, person: _Visitor) -> None:
        if self._random() < MISTYPING:
            self._request(person, FAILED_LOGIN, "/login", status=401, log=self.auth)
        person.user = self._user()
        self._request(person, LOGIN, "/login", log=self.auth)

    def _check_out(self, person: _Visitor, product: str) -> None:
        """Start a checkout, up to four times if the shop fails, and perhaps buy."""
        attempts = (self._request(person, CHECKOUT, "/checkout", details=product) for _ in range(4))
        if any(status < 500 for status in attempts) and self._random() < BUYING:
            order = f'{product},"eventId":"{self._uuid()}"'
            self._request(person, PURCHASE, "/orders", status=201, details=order)
            if self._random() < RETRY_RATE:
                self._request(person, PURCHASE, "/orders", status=201, details=order)

    def _upload(self, person: _Visitor) -> None:
        """Ask for a presigned URL. The PUT to it goes to the bucket, so the next to log is a Lambda worker."""
        upload = f',"uploadId":"up-{self._bits(48):012x}","eventId":"'
        start_ms = person.at_ms + 800 + int(self._random() * 4000)
        done_ms = start_ms + 40 + int(self._random() * 400)
        self._request(person, UPLOAD, "/uploads", status=201, details=f'{upload}{self._uuid()}"')
        name = "upload_rejected" if self._random() < UPLOAD_REJECTED else "upload_completed"
        self._event(self.worker, person, done_ms, name, f'{upload}{self._uuid()}"')
        run = self._uuid()
        end = self._stamp(done_ms + 2)
        self.worker += (
            f"{self._stamp(start_ms)} START RequestId: {run} Version: $LATEST",
            f"{end} END RequestId: {run}",
            f"{end} REPORT RequestId: {run}\tDuration: {done_ms + 2 - start_ms}.00 ms\tMemory Size: 256 MB",
        )

    def _event(self, log: list[str], visitor: _Visitor, at_ms: int, name: str, details: str) -> None:
        """Log something that is no request, so has no status and no latency."""
        stamp = self._stamp(at_ms)
        log.append(
            f'{stamp} {{"timestamp":"{stamp}","level":"info","eventName":"{name}"{details}'
            f"{visitor.user}{visitor.session}{visitor.client}"
        )

    def _request(
        self,
        visitor: _Visitor,
        step: Step,
        path: str,
        *,
        status: int = 200,
        details: str = "",
        log: list[str] | None = None,
    ) -> int:
        """Log a request, let the visitor think, and return the status, which a failing shop makes 5xx.

        `details` are further fields as JSON, each with a comma in front. `log` is the API's by default.
        Every line but a few comes from here, and half of the time: hence no calls and no json.dumps.
        """
        at_ms = visitor.at_ms
        stamp = self._minutes[at_ms // MINUTE_MS] + self._seconds[at_ms % MINUTE_MS]
        latency_ms = step.usual_ms * LATENCY_FACTORS[self._bits(DRAW_BITS)]
        failure_rate = step.failure_rate
        if at_ms in self._incident:
            latency_ms *= 20 if step is CHECKOUT or step is PURCHASE else 3
        else:
            failure_rate *= ORDINARY_FAILURES
        level = "info" if status < 400 else "warn"
        if self._random() < failure_rate:
            status, level = self._fail(stamp), "error"
        (self.api if log is None else log).append(
            f'{stamp} {{"timestamp":"{stamp}","level":"{level}","eventName":"{step.name}",'
            f'"requestId":"{self._bits(64):016x}"{details}{visitor.user}{visitor.session},'
            f'"method":"{step.method}","path":"{path}","statusCode":{status},'
            f'"latencyMs":{latency_ms:.1f}{visitor.client}'
        )
        visitor.at_ms = at_ms + PAUSES_MS[self._bits(DRAW_BITS)]
        return status

    def _fail(self, stamp: str) -> int:
        if self._random() < STACK_TRACES:
            self.api.append(f"{stamp} {STACK_TRACE}")
        return self._pick((500, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class _Task:
    """One export task of one log group and day.

    `first_server_until` is the hour up to which it finds the lines of the group's first stream.
    """

    task_id: str
    log_group: str
    day: date
    started_at: datetime
    completed_at: datetime
    first_server_until: int
    is_broken_off: bool

    def holds(self, log_group: str, stream: int, hour: int) -> bool:
        """Whether the task exports what the group's stream of that number logged in that hour."""
        return log_group == self.log_group and (stream > 0 or hour < self.first_server_until)


def _plan_tasks(seed: int, day: date, number: int, stories: Stories) -> list[_Task]:
    """The tasks that export the day, from the next noon on and one at a time, as the service runs them."""
    rng = Random(f"exports {seed} {day}")

    def task(log_group: str, minutes: int, *, until: int = 24, is_broken_off: bool = False) -> _Task:
        noon = datetime.combine(day + timedelta(days=1), time(12), UTC)
        started_at = noon + timedelta(minutes=minutes, milliseconds=rng.randrange(10_000))
        completed_at = started_at + timedelta(milliseconds=rng.randrange(60_000, 500_000))
        task_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return _Task(task_id, log_group, day, started_at, completed_at, until, is_broken_off)

    is_repeated = number == stories.repeated_export
    tasks = [task(API_GROUP, 20, until=LATE_FROM_HOUR if is_repeated else 24), task(AUTH_GROUP, 30)]
    if is_repeated:
        tasks.append(task(API_GROUP, 24 * 60 + 40))
    if number == stories.broken_off_export:
        tasks.append(task(API_GROUP, 0, until=12, is_broken_off=True))
    return tasks


class _Object:
    """A gzip object under way, with what it holds before compression."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lines = 0
        self.bytes = 0
        self._file = path.open("wb")
        # No file name and no time in the header: they would differ from run to run.
        self._gzip = gzip.GzipFile("", "wb", COMPRESSION, self._file, mtime=0)

    def has_room_for(self, text: bytes) -> bool:
        return self.lines + text.count(b"\n") <= OBJECT_LINES and self.bytes + len(text) <= OBJECT_BYTES

    def write(self, text: bytes) -> None:
        self._gzip.write(text)
        self.lines += text.count(b"\n")
        self.bytes += len(text)

    def close(self) -> None:
        self._gzip.close()
        self._file.close()


class _Export:
    """Writes what one task leaves: a write test, the objects of each stream, and in the end its record."""

    def __init__(self, out: Path, task: _Task) -> None:
        self.task = task
        self._streams: dict[str, list[_Object]] = {}
        self._record_path = out / "exports" / f"{task.day:%Y/%m/%d}" / f"{task.task_id}.json"
        self._folder = out / "logs" / f"{task.day:%Y/%m/%d}" / task.task_id
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        (self._folder.parent / WRITE_TEST).write_bytes(b"Permission Check Successful")

    def write(self, stream: str, entries: list[str]) -> None:
        """Append entries, each of one or more lines, to the stream."""
        for start in range(0, len(entries), BATCH_LINES):
            text = "\n".join([*entries[start : start + BATCH_LINES], ""]).encode()
            self._object_for(stream, text).write(text)

    def finish(self) -> SampleSummary:
        """Close the objects and publish them with a record, unless the task is broken off."""
        objects = [written for stream in self._streams.values() for written in stream]
        for written in objects:
            written.close()  # twice does no harm
        if self.task.is_broken_off:
            return SampleSummary(0, 0, 0, 0)
        lines = sum(written.lines for written in objects)
        size = sum(written.path.stat().st_size for written in objects)
        self._write_record(len(objects), size)
        return SampleSummary(1, len(objects), lines, size)

    def _object_for(self, stream: str, text: bytes) -> _Object:
        """The stream's object under way, or a next one if the text would make that outgrow its limits."""
        objects = self._streams.setdefault(stream, [])
        if not objects or not objects[-1].has_room_for(text):
            if objects:
                objects[-1].close()
            objects.append(_Object(self._folder / stream.replace("/", "-") / f"{len(objects):06}.gz"))
        return objects[-1]

    def _write_record(self, objects: int, size: int) -> None:
        task = self.task
        from_ms = int(datetime.combine(task.day, time(), UTC).timestamp()) * 1000
        record = {
            "export_task_id": task.task_id,
            "log_group": task.log_group,
            "export_date": task.day.isoformat(),
            "from_ms": from_ms,
            "to_ms": from_ms + DAY_MS - 1,
            "started_at": _utc_text(task.started_at),
            "completed_at": _utc_text(task.completed_at),
            "objects": objects,
            "bytes": size,
            "exporter_version": __version__,
        }
        self._record_path.parent.mkdir(parents=True, exist_ok=True)
        self._record_path.write_bytes(json.dumps(record, separators=(",", ":")).encode() + b"\n")


def _utc_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _stream_names(seed: int, day: date) -> dict[str, list[str]]:
    """Each log group's streams on that day. The API's last is its Lambda worker's, with a new name every day."""
    servers = Random(f"servers {seed}")
    api = [f"api/prod/i-{servers.getrandbits(68):017x}" for _ in range(API_SERVERS)]
    auth = [f"auth/prod/i-{servers.getrandbits(68):017x}"]
    worker = f"{day:%Y/%m/%d}/[$LATEST]{Random(f'worker {seed} {day}').getrandbits(128):032x}"
    return {API_GROUP: [*api, worker], AUTH_GROUP: auth}


def _day_events(first: date, days: int, events_per_day: int, empty_day: int | None) -> list[float]:
    """How many events each day gets: more at weekends, none on the empty day, and the right number in all."""
    weights = [WEEKDAY_WEIGHTS[(first + timedelta(number)).weekday()] for number in range(days)]
    if empty_day is not None:
        weights[empty_day] = 0
    return [days * events_per_day * weight / sum(weights) for weight in weights]


def _deal(traffic: _Traffic, hour: int) -> Iterator[tuple[str, int, list[str]]]:
    """Take the lines up to the hour's end, by log group, number of the stream in it, and entries."""
    api = traffic.take(traffic.api, hour + 1)
    for server in range(API_SERVERS):
        yield API_GROUP, server, api[server::API_SERVERS]  # in turn, as a load balancer does
    yield API_GROUP, API_SERVERS, traffic.take(traffic.worker, hour + 1)
    yield AUTH_GROUP, 0, traffic.take(traffic.auth, hour + 1)


def _write_day(traffic: _Traffic, events: float, streams: dict[str, list[str]], exports: list[_Export]) -> None:
    """Make the day hour by hour and write each hour to the exports that hold it."""
    if not events:
        traffic.clear()  # sessions that the evening before left open
        return
    for hour, weight in enumerate(HOUR_WEIGHTS):
        traffic.fill_hour(hour, events * weight / sum(HOUR_WEIGHTS))
        for log_group, stream, entries in _deal(traffic, hour):
            for export in exports:
                if export.task.holds(log_group, stream, hour):
                    export.write(streams[log_group][stream], entries)


def _check(out: Path, days: int, events_per_day: int) -> None:
    if days < 1:
        raise ValueError(f"days is {days}: ask for at least 1")
    if events_per_day < 1:
        raise ValueError(f"events_per_day is {events_per_day}: ask for at least 1")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not an empty folder: name a new one, or remove what is there")


def write_sample_logs(out: Path, *, days: int, events_per_day: int, seed: int, end_date: date) -> SampleSummary:
    """Write sample exports of `days` UTC days, of which `end_date` is the last, to the folder `out`.

    A day has `events_per_day` events on average over the days; the repeated export holds its day's once more.
    No more than an hour of them is in memory. The same arguments write the same files.

    Raises ValueError if a number is below 1, or `out` exists and is not an empty folder.
    """
    _check(out, days, events_per_day)
    stories = place_stories(days)
    traffic = _Traffic(seed, events_per_day)
    first = end_date - timedelta(days - 1)
    published = []
    for number, events in enumerate(_day_events(first, days, events_per_day, stories.empty_day)):
        day = first + timedelta(number)
        exports = [_Export(out, task) for task in _plan_tasks(seed, day, number, stories)]
        traffic.start_day(day, number, stories)
        _write_day(traffic, events, _stream_names(seed, day), exports)
        published += [astuple(export.finish()) for export in exports]
    return SampleSummary(*map(sum, zip(*published, strict=True)))
