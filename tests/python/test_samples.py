"""The sample logs: laid out as exports are, the same from the same seed, and each of their stories there to be found."""

import gzip
import json
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from private_analytics.samples import storefront, writer
from private_analytics.samples.storefront import place_stories
from private_analytics.samples.writer import SampleSummary, write_sample_logs

DAYS, EVENTS_PER_DAY, LAST_DAY = 12, 5_000, date(2026, 10, 31)
FIRST_DAY = LAST_DAY - timedelta(DAYS - 1)
STORIES = place_stories(DAYS)
PREFIX = len("2026-10-01T12:34:56.789Z ")
NOISE = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "Error: ", *storefront.PLAIN_TEXTS)
BOT_AGENTS = ("Googlebot/", "bingbot/", "curl/", "python-requests/")
FUNNEL = ("searched", "product_viewed", "added_to_cart", "checkout_started", "purchased")


@dataclass(frozen=True)
class Export:
    """A task's record and the lines of its streams."""

    record: dict
    streams: dict[str, list[str]]

    @property
    def day(self) -> str:
        return self.record["export_date"]

    @property
    def lines(self) -> list[str]:
        return [line for lines in self.streams.values() for line in lines]


@dataclass(frozen=True)
class Lake:
    root: Path
    summary: SampleSummary
    exports: list[Export]

    def final_exports(self) -> list[Export]:
        """The last export of each day and log group, which holds all of the day."""
        return list({(export.day, export.record["log_group"]): export for export in self.exports}.values())

    def events(self) -> list[dict]:
        """All events in order of time, identical lines as often as they are there."""
        events = [json.loads(line[PREFIX:]) for export in self.final_exports() for line in export.lines if is_event(line)]
        return sorted(events, key=lambda event: event["timestamp"])


def is_event(line: str) -> bool:
    return line[PREFIX : PREFIX + 1] == "{"


def write(out: Path, *, days: int = DAYS, events_per_day: int = EVENTS_PER_DAY, seed: int = 1) -> SampleSummary:
    return write_sample_logs(out, days=days, events_per_day=events_per_day, seed=seed, end_date=LAST_DAY)


def read_task(root: Path, record: dict) -> Export:
    streams: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "logs" / record["export_date"].replace("-", "/") / record["export_task_id"]).glob("*/*")):
        text = gzip.decompress(path.read_bytes()).decode()
        assert text.endswith("\n")
        streams[path.parent.name] += text.removesuffix("\n").split("\n")
    return Export(record, streams)


def read_lake(root: Path, summary: SampleSummary) -> Lake:
    """The published exports, in the order in which they completed."""
    records = [json.loads(path.read_bytes()) for path in root.glob("exports/*/*/*/*.json")]
    records.sort(key=lambda record: record["completed_at"])
    return Lake(root, summary, [read_task(root, record) for record in records])


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def day_of(number: int) -> str:
    return (FIRST_DAY + timedelta(number)).isoformat()


def count(events: list[dict], **fields: object) -> Counter:
    """How many of the events that have these fields there are on each day."""
    return Counter(e["timestamp"][:10] for e in events if all(e.get(key) == value for key, value in fields.items()))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("samples") / "lake"
    return read_lake(root, write(root))


@pytest.fixture(scope="module")
def events(lake: Lake) -> list[dict]:
    return lake.events()


@pytest.fixture(scope="module")
def sessions(events: list[dict]) -> dict[str, list[dict]]:
    found = defaultdict(list)
    for event in events:
        if "sessionId" in event:
            found[event["sessionId"]].append(event)
    return found


# --- The arguments ---


def test_the_same_arguments_write_the_same_bytes(tmp_path):
    summaries = [write(tmp_path / name, days=5, events_per_day=300) for name in "ab"]
    assert summaries[0] == summaries[1]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_seed_writes_other_logs(tmp_path):
    for seed in (1, 2):
        write(tmp_path / str(seed), days=2, events_per_day=50, seed=seed)
    first, second = contents(tmp_path / "1"), contents(tmp_path / "2")
    assert not {name for name in first if not name.endswith("write-test")} & second.keys()


@pytest.mark.parametrize(("days", "events_per_day"), [(1, 1), (1, 200), (2, 1), (4, 3), (5, 1), (6, 40)])
def test_few_days_or_events_are_enough(tmp_path, days, events_per_day):
    lake = read_lake(tmp_path / "lake", write(tmp_path / "lake", days=days, events_per_day=events_per_day))
    assert len(list(lake.root.glob("logs/*/*/*"))) == days
    assert len(lake.final_exports()) == 2 * days
    assert lake.events()


def test_there_are_about_as_many_events_as_asked_for(lake):
    lines = sum(len(export.lines) for export in lake.final_exports())
    assert lines == pytest.approx(DAYS * EVENTS_PER_DAY, rel=0.03)


@pytest.mark.parametrize(("days", "events_per_day"), [(0, 1), (-1, 1), (1, 0)])
def test_less_than_one_is_refused(tmp_path, days, events_per_day):
    with pytest.raises(ValueError, match="ask for at least 1"):
        write(tmp_path / "lake", days=days, events_per_day=events_per_day)
    assert not (tmp_path / "lake").exists()


def test_only_a_new_or_empty_folder_is_written_to(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(ValueError, match="not an empty folder"):
            write(taken, days=1, events_per_day=1)
    assert contents(tmp_path) == {"mine.txt": b"mine"}
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", days=1, events_per_day=1)


def test_memory_does_not_grow_with_the_days(tmp_path):
    def peak_bytes(days: int) -> int:
        tracemalloc.start()
        write(tmp_path / str(days), days=days, events_per_day=2_000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak_bytes(1)  # what is imported and cached on the first run counts for neither
    assert peak_bytes(9) < 1.5 * peak_bytes(3)


# --- The layout of the exports ---


def test_a_record_describes_the_objects_of_its_task(lake):
    for export in lake.exports:
        record = export.record
        day = record["export_date"].replace("-", "/")
        paths = list((lake.root / "logs" / day / record["export_task_id"]).glob("*/*.gz"))
        assert (lake.root / "exports" / day / f"{record['export_task_id']}.json").read_bytes().count(b"\n") == 1
        assert record["objects"] == len(paths)
        assert record["bytes"] == sum(path.stat().st_size for path in paths)
        midnight = datetime.fromisoformat(record["export_date"]).replace(tzinfo=UTC)
        assert record["from_ms"] == midnight.timestamp() * 1000
        assert record["to_ms"] == (midnight + timedelta(days=1)).timestamp() * 1000 - 1


def test_the_summary_counts_what_is_published(lake):
    assert asdict(lake.summary) == {
        "exports": len(lake.exports),
        "objects": sum(export.record["objects"] for export in lake.exports),
        "lines": sum(len(export.lines) for export in lake.exports),
        "bytes": sum(export.record["bytes"] for export in lake.exports),
    }


def test_tasks_run_one_at_a_time_from_noon_after_their_day(lake):
    for export in lake.exports:
        started_at = datetime.fromisoformat(export.record["started_at"])
        assert started_at - datetime.fromisoformat(export.day).replace(tzinfo=UTC) >= timedelta(hours=36)
    for before, after in pairwise(export.record for export in lake.exports):
        assert before["started_at"] < before["completed_at"] < after["started_at"]


def test_every_day_has_the_write_test_of_the_service(lake):
    found = sorted(lake.root.glob("logs/*/*/*/aws-logs-write-test"))
    assert [path.parent for path in found] == sorted(lake.root.glob("logs/*/*/*"))
    assert {path.read_bytes() for path in found} == {b"Permission Check Successful"}


def test_streams_are_named_as_exports_name_them(lake):
    for export in lake.exports:
        servers = [name for name in export.streams if name.startswith(("api-prod-i-", "auth-prod-i-"))]
        workers = [name for name in export.streams if name.startswith(f"{export.day}-[$LATEST]")]
        assert len(servers) + len(workers) == len(export.streams)


def test_gzip_headers_hold_no_name_and_no_time(lake):
    for path in lake.root.glob("logs/*/*/*/*/*/*.gz"):
        flags, changed_at = path.read_bytes()[3], path.read_bytes()[4:8]
        assert (flags, changed_at) == (0, bytes(4))


def test_a_big_stream_is_split_into_objects(tmp_path, monkeypatch):
    write(tmp_path / "whole", days=1, events_per_day=2_000)
    monkeypatch.setattr(writer, "BATCH_LINES", 10)
    monkeypatch.setattr(writer, "OBJECT_LINES", 200)
    monkeypatch.setattr(writer, "OBJECT_BYTES", 40_000)
    summary = write(tmp_path / "split", days=1, events_per_day=2_000)
    split, whole = read_lake(tmp_path / "split", summary), read_lake(tmp_path / "whole", summary)
    assert [export.streams for export in split.exports] == [export.streams for export in whole.exports]
    for stream in split.root.glob("logs/*/*/*/*/*"):
        paths = sorted(stream.iterdir())
        assert [path.name for path in paths] == [f"{number:06}.gz" for number in range(len(paths))]
        texts = [gzip.decompress(path.read_bytes()) for path in paths]
        assert all(len(text) <= 40_000 and text.count(b"\n") <= 200 for text in texts)
    assert list(split.root.glob("logs/*/*/*/*/*/000001.gz"))


def test_lines_are_json_of_their_day_or_known_noise(lake):
    for export in lake.exports:
        for line in export.lines:
            if is_event(line):
                assert json.loads(line[PREFIX:])["timestamp"] == line[: PREFIX - 1]
            if line.startswith(export.day):
                assert is_event(line) or line[PREFIX:].startswith(NOISE)
            else:
                assert line.startswith("    at ")


def test_the_lines_of_a_stream_are_in_order_of_time(lake):
    for export in lake.exports:
        for lines in export.streams.values():
            times = [line[: PREFIX - 1] for line in lines if line.startswith(export.day)]
            assert times == sorted(times)


def test_nobody_is_named_and_no_address_is_real(events):
    networks = [ip_network(f"{network}.0/24") for network in storefront.NETWORKS]
    assert all(any(ip_address(ip) in network for network in networks) for ip in {event["ip"] for event in events})


# --- The stories ---


@pytest.mark.parametrize("days", range(1, 61))
def test_each_story_has_a_day(days):
    placed = [day for day in asdict(place_stories(days)).values() if day is not None]
    assert all(0 <= day < days for day in placed)
    assert len(set(placed)) == (5 if days >= 5 else len(set(placed)))
    assert len(placed) == (5 if days >= 5 else 4)


def test_nights_are_quiet_and_weekends_busy(events):
    hours = Counter(event["timestamp"][11:13] for event in events)
    assert hours["20"] > 2 * hours["09"] > 6 * hours["03"]
    days = count(events)
    saturday, tuesday = "2026-10-31", "2026-10-27"
    assert days[saturday] > 1.2 * days[tuesday]


def test_the_funnel_narrows_and_keeps_its_order(sessions):
    reached = Counter()
    for session in sessions.values():
        firsts = {name: next((e["timestamp"] for e in session if e["eventName"] == name), None) for name in FUNNEL}
        times = [time for time in firsts.values() if time]
        assert times == sorted(times)
        assert list(firsts.values())[: len(times)] == times  # nobody skips a step
        reached.update(name for name, time in firsts.items() if time)
    assert all(0.3 * reached[before] < reached[after] < 0.95 * reached[before] for before, after in [FUNNEL[:2], FUNNEL[3:]])
    assert 0 < reached["purchased"] < 0.15 * reached["searched"]


def test_some_users_come_back_after_days_and_weeks(events):
    days = defaultdict(set)
    for event in events:
        if "userId" in event:
            days[event["userId"]].add(date.fromisoformat(event["timestamp"][:10]))
    stayed = [max(seen) - min(seen) for seen in days.values()]
    assert 0.1 < sum(span >= timedelta(weeks=1) for span in stayed) / len(stayed) < 0.9
    assert any(span == timedelta(0) for span in stayed)


def test_some_visitors_log_in_during_their_session(sessions):
    joined = [session for session in sessions.values() if "userId" not in session[0] and "userId" in session[-1]]
    assert len(joined) > 0.05 * len(sessions)
    for session in joined:
        known = ["userId" in event for event in session]
        assert known == sorted(known)
        assert session[known.index(True)]["eventName"] == "logged_in"
    assert any(all("userId" not in event for event in session) for session in sessions.values())


def test_bots_have_no_session_and_no_user(events):
    bots = [event for event in events if any(agent in event["userAgent"] for agent in BOT_AGENTS)]
    assert {agent for agent in BOT_AGENTS for event in bots if agent in event["userAgent"]} == set(BOT_AGENTS)
    assert all("sessionId" not in event and "userId" not in event for event in bots)


def test_an_incident_makes_two_hours_slow_and_failing(events):
    failed = [event for event in events if event.get("statusCode", 0) >= 500]
    days = count(failed)
    incident_day = day_of(STORIES.incident)
    assert days[incident_day] > 4 * max(number for day, number in days.items() if day != incident_day)
    in_incident = [event for event in failed if f"{incident_day}T18" <= event["timestamp"] < f"{incident_day}T20"]
    assert len(in_incident) > 0.8 * days[incident_day]
    assert Counter(event["path"] for event in in_incident).most_common(1)[0][0] == "/checkout"

    checkouts = [event for event in events if event["eventName"] == "checkout_started"]
    usual = median(event["latencyMs"] for event in checkouts if event["timestamp"][:10] != incident_day)
    assert min(event["latencyMs"] for event in checkouts if event in in_incident) > 10 * usual


def test_a_burst_of_failed_logins_comes_from_few_sessions(events):
    failed = count(events, eventName="login_failed", statusCode=401)
    day = day_of(STORIES.login_burst)
    assert failed.most_common(1)[0][0] == day
    burst = [e for e in events if e["eventName"] == "login_failed" and f"{day}T03:10" <= e["timestamp"] < f"{day}T03:30"]
    assert len(burst) > 3 * max(number for other, number in failed.items() if other != day)
    assert len({event["sessionId"] for event in burst}) <= 6


def test_uploads_are_asked_for_and_then_completed_or_rejected(events):
    uploads = defaultdict(list)
    for event in events:
        if "uploadId" in event and event["eventName"] not in uploads[event["uploadId"]]:
            uploads[event["uploadId"]].append(event["eventName"])
    ends = Counter(tuple(names) for names in uploads.values())
    completed, rejected = ("upload_requested", "upload_completed"), ("upload_requested", "upload_rejected")
    assert ends[completed] > ends[rejected] > 0
    assert ends[completed] + ends[rejected] > 0.97 * len(uploads)  # some end on the next day, which may be empty


def test_a_few_events_are_no_requests_and_a_few_have_an_unknown_name(events):
    assert 0 < sum("statusCode" not in event for event in events) < 0.05 * len(events)
    assert 0 < sum(count(events, eventName="wishlist_shared").values()) < 0.01 * len(events)


def test_one_day_is_exported_without_events(lake, events):
    day = day_of(STORIES.empty_day)
    exports = [export for export in lake.exports if export.day == day]
    assert [(export.record["objects"], export.record["bytes"]) for export in exports] == [(0, 0), (0, 0)]
    assert [path.name for path in (lake.root / "logs" / day.replace("-", "/")).iterdir()] == ["aws-logs-write-test"]
    assert set(count(events)) == {day_of(number) for number in range(DAYS)} - {day}


def test_one_day_is_exported_again_with_its_late_lines(lake):
    exports = Counter((export.day, export.record["log_group"]) for export in lake.exports)
    assert [key for key, number in exports.items() if number > 1] == [(day_of(STORIES.repeated_export), writer.API_GROUP)]
    first, second = (e for e in lake.exports if exports[e.day, e.record["log_group"]] == 2)
    assert first.streams.keys() == second.streams.keys()
    late = {stream: Counter(second.streams[stream]) - Counter(lines) for stream, lines in first.streams.items()}
    assert all(not Counter(lines) - Counter(second.streams[stream]) for stream, lines in first.streams.items())
    assert 0 < sum(map(len, late.values())) < 0.1 * len(second.lines)
    assert sum(bool(lines) for lines in late.values()) == 1  # one server was cut off


def test_one_task_is_broken_off_and_has_no_record(lake):
    folders = {path for path in lake.root.glob("logs/*/*/*/*") if path.is_dir()}
    recorded = {export.record["export_task_id"] for export in lake.exports}
    (broken_off,) = (path for path in folders if path.name not in recorded)
    assert "-".join(broken_off.parts[-4:-1]) == day_of(STORIES.broken_off_export)
    assert list(broken_off.glob("*/*.gz"))


def test_some_lines_stand_twice_in_their_stream(lake):
    twice = [
        before
        for export in lake.final_exports()
        for lines in export.streams.values()
        for before, after in pairwise(lines)
        if before == after and is_event(before)
    ]
    assert 3 < len(twice) < 0.002 * lake.summary.lines


def test_producers_retry_with_the_same_event_id(events):
    requests = defaultdict(set)
    for event in events:
        if "eventId" in event:
            requests[event["eventId"]].add(event.get("requestId"))
    assert 0 < sum(len(ids) > 1 for ids in requests.values()) < 0.1 * len(requests)


def test_every_kind_of_noise_is_there_and_rare(lake):
    noise = [line for export in lake.exports for line in export.lines if not is_event(line)]
    assert len(noise) < 0.1 * lake.summary.lines
    assert all(any(line[PREFIX:].startswith(kind) for line in noise) for kind in NOISE)
    assert any(line.startswith("    at ") for line in noise)
