"""The lines of a fictional storefront: daily and weekly rhythm, a funnel, returning users, bots, an incident, failed logins."""

from __future__ import annotations

import json
import uuid
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt
from random import Random
from typing import TypeVar
from urllib.parse import quote_plus

T = TypeVar("T")

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
PURCHASE = Step("purchased", "POST", 240, 0)  # logged once the order is placed
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

# A random number of this many bits selects an entry. This is faster than a computation for each line.
DRAW_BITS = 10
DRAWS = 1 << DRAW_BITS
LATENCY_FACTORS = tuple(0.7 + 0.3 / sqrt(1 - draw / DRAWS) for draw in range(DRAWS))  # roots are exact everywhere
PAUSES_MS = tuple(1_500 + draw**3 * 60_000 // DRAWS**3 for draw in range(DRAWS))


@dataclass(frozen=True, slots=True)
class Stories:
    """The day of each story, counted from 0. `empty_day` is None if there are too few days."""

    broken_off_export: int
    repeated_export: int
    login_burst: int
    empty_day: int | None
    incident: int


def place_stories(days: int) -> Stories:
    """Spread the stories over the days: with five days or more each has its own, with fewer they share."""
    first, second, third, fourth, fifth = (days * sixth // 6 for sixth in range(1, 6))
    return Stories(first, second, third, fourth if days >= 5 else None, fifth)


@dataclass(slots=True)
class _Visitor:
    """Where a visitor is in time (ms since the day's midnight), and the fields on each of their lines."""

    at_ms: int
    client: str
    session: str = ""
    user: str = ""


class Traffic:
    """The storefront's lines, generated hour by hour and held until taken: a session may outlast its hour.

    An entry of a list is one log event that begins with its time, so sorting entries as text sorts them by time.
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
        # Of the next day too, for sessions that continue past midnight.
        self._minutes = [f"{midnight + timedelta(minutes=n):%Y-%m-%dT%H:%M:}" for n in range(2 * 24 * 60)]

    def clear(self) -> None:
        """Forget the entries that are not taken."""
        for entries in (self.api, self.auth, self.worker):
            entries.clear()

    def fill_hour(self, hour: int, events: float) -> None:
        """Let visitors arrive until there are `events` entries, minus the excess of earlier hours."""
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
        """Remove the list's entries of the day's first `hours` hours, and return them in order of time."""
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
        """The fields of a visitor's client, which end their lines."""
        return f',"userAgent":"{self._pick(agents)}","ip":"{self._pick(NETWORKS)}.{1 + self._bits(7)}"}}'

    def _person(self, at_ms: int) -> _Visitor:
        return _Visitor(at_ms, self._client(BROWSERS), session=f',"sessionId":"s-{self._bits(48):012x}"')

    def _user(self) -> str:
        """Draw a user: mostly a recent one, so that a user visits less as others join, or one of a few loyal users.

        Users are drawn by number and not stored, so that users can return over weeks in constant memory.
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
        """One person's session: each step of the funnel follows the step before it, or does not happen."""
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
        """View a product (the first ones more often), and return the field that names it."""
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
        """Start a checkout, up to four times if the shop fails, and maybe buy."""
        attempts = (self._request(person, CHECKOUT, "/checkout", details=product) for _ in range(4))
        if any(status < 500 for status in attempts) and self._random() < BUYING:
            order = f'{product},"eventId":"{self._uuid()}"'
            self._request(person, PURCHASE, "/orders", status=201, details=order)
            if self._random() < RETRY_RATE:
                self._request(person, PURCHASE, "/orders", status=201, details=order)

    def _upload(self, person: _Visitor) -> None:
        """Ask for a presigned URL. The PUT goes to the bucket, so the next lines come from a Lambda worker."""
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
        """Log an event that is not a request, so it has no status and no latency."""
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
        """Log a request, let the visitor pause, and return the status: 5xx if the shop fails.

        `details` are further fields as JSON, each preceded by a comma. `log` is the API's by default.
        Almost all lines come from here, and it takes half of the time: hence no calls and no json.dumps.
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
