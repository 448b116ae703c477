"""What the stack commands work out without AWS: the template from its parts, the code's zip files, settings, states, plans."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from datetime import date
from modulefinder import ModuleFinder
from pathlib import Path

import boto3
import click
import pytest

from helpers import REPOSITORY
from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.stack import bundle, changes, settings, states, template

PARTS = template.read_parts()
WHOLE = template.merge(PARTS)


def write(folder: Path, text: str) -> Path:
    file = folder / "stack.yaml"
    file.write_text(text)
    return file


# --- The template ---


def test_nothing_of_a_part_is_lost():
    for section in template.SECTIONS:
        names = [name for part in PARTS.values() for name in part.get(section, {})]
        assert sorted(names) == sorted(WHOLE[section])


def test_a_name_in_two_parts_is_an_error_that_names_both():
    parts = {"a.yaml": {"Resources": {"X": {}}}, "b.yaml": {"Resources": {"X": {}}}}
    with pytest.raises(UserError, match=r"Resources X is in both a\.yaml and b\.yaml"):
        template.merge(parts)


def test_one_name_in_two_sections_is_none():
    assert template.merge({"a.yaml": {"Resources": {"X": 1}}, "b.yaml": {"Outputs": {"X": 2}}})["Outputs"] == {"X": 2}


@pytest.mark.parametrize("text", ["a: [", "Resource: {}", "- 1"])
def test_a_part_that_is_none_is_named(tmp_path: Path, text: str):
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(UserError, match=r"odd\.yaml"):
        template.read_parts(tmp_path)


def test_short_forms_are_what_they_stand_for(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("Outputs: {A: [!Ref X, !GetAtt X.Arn, !Sub 'a${X}', !If [C, 1, 2], !Condition C]}")
    assert template.read_parts(tmp_path)["a.yaml"]["Outputs"]["A"] == [
        {"Ref": "X"},
        {"Fn::GetAtt": ["X", "Arn"]},
        {"Fn::Sub": "a${X}"},
        {"Fn::If": ["C", 1, 2]},
        {"Condition": "C"},
    ]


def test_every_parameter_is_explained_and_used():
    body = json.dumps({section: WHOLE[section] for section in ("Resources", "Conditions", "Outputs", "Rules")})
    for name, rules in WHOLE["Parameters"].items():
        assert len(rules["Description"]) > 10, name
        assert f'"Ref": "{name}"' in body or f"${{{name}}}" in body, f"{name} is used nowhere"


def test_no_partition_account_region_or_domain_is_written_out():
    body = template.to_json(WHOLE)
    assert "arn:aws:" not in body
    assert not re.search(r":[0-9]{12}:", body)
    assert not re.search(r"\b(us|eu|ap|sa|ca)-(east|west|central|north|south)\w*-\d\b", body.replace("x86_64", ""))
    # Services whose principals are the same in all partitions; those of ec2 and logs are not.
    names = set(re.findall(r"[\w.${}:-]*\.amazonaws\.com[\w.]*", body))
    assert names == {
        "lambda.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "scheduler.amazonaws.com",
        "codebuild.amazonaws.com",
        "cloudfront.amazonaws.com",
        "${ApiRunsOn}.amazonaws.com",
        "sts.amazonaws.com",
    }


def test_what_holds_data_is_retained():
    holding = {"AWS::S3::Bucket", "AWS::Glue::Database", "AWS::SecretsManager::Secret"}
    for name, item in WHOLE["Resources"].items():
        if item["Type"] in holding or name in ("ApiLogs", "SecondLogs", "ThirdLogs"):
            assert item["DeletionPolicy"] in template.RETAINED, name
            assert item["UpdateReplacePolicy"] == "Retain", name


def test_logs_go_to_glacier_and_results_expire():
    rules = {r["Id"]: r for r in WHOLE["Resources"]["ExportBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    logs, results = rules["raw-logs-move-to-glacier-and-expire"], rules["query-results-expire"]
    assert (logs["Prefix"], logs["Transitions"][0]["StorageClass"]) == ("logs/", "GLACIER")
    assert (logs["Transitions"][0]["TransitionInDays"], logs["ExpirationInDays"]) == (
        {"Ref": "GlacierAfterDays"},
        {"Ref": "ExpireLogsAfterDays"},
    )
    assert (results["Prefix"], results["ExpirationInDays"]) == ("athena-results/", 7)
    assert rules["old-versions-expire"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert "AbortIncompleteMultipartUpload" in rules["what-is-left-over-goes"]


def test_dbt_says_itself_where_its_tables_lie():
    """Else its seeds would lie among query results, and be gone after a week."""
    enforced = {
        name: item["Properties"]["WorkGroupConfiguration"]["EnforceWorkGroupConfiguration"]
        for name, item in WHOLE["Resources"].items()
        if item["Type"] == "AWS::Athena::WorkGroup"
    }
    assert enforced == {"TransformWorkgroup": False, "AnalystsWorkgroup": True, "DashboardsWorkgroup": True}


def test_names_of_retained_resources_are_written_out_and_nothing_else_is_changed():
    values = {name: str(rules.get("Default", "")) for name, rules in WHOLE["Parameters"].items()}
    values |= {"AWS::AccountId": "111122223333", "AWS::Region": "eu-central-1", "NamePrefix": "my-shop"}
    pinned = template.pin_names(WHOLE, values)
    properties = {name: item["Properties"] for name, item in pinned["Resources"].items() if "Properties" in item}
    assert properties["ExportBucket"]["BucketName"] == "my-shop-exports-111122223333-eu-central-1"
    assert properties["ApiLogs"]["LogGroupName"] == "/private-analytics/api"
    assert properties["AnalyticsDatabase"]["DatabaseName"] == "my_shop"
    assert properties["LakeDatabase"]["DatabaseName"] == "my_shop_lake"
    assert properties["ExporterLogs"] == WHOLE["Resources"]["ExporterLogs"]["Properties"]
    differing = [name for name in properties if pinned["Resources"][name] != WHOLE["Resources"][name]]
    assert set(differing) <= {name for name, item in WHOLE["Resources"].items() if item["Type"] in template.NAMES}


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "ap-southeast-2", "cn-northwest-1"])
def test_bucket_names_fit_with_the_longest_prefix(region: str):
    longest = "a" * WHOLE["Parameters"]["NamePrefix"]["MaxLength"]
    assert len(f"{longest}-artifacts-111122223333-{region}") <= 63
    assert len(f"{longest}-exports-111122223333-{region}-12345") <= 63


def test_what_linters_need_is_not_deployed():
    assert "checkov" not in template.to_json(WHOLE)
    assert "checkov" in json.dumps(WHOLE)


# --- The code ---


@pytest.mark.parametrize("make", [bundle.exporter, bundle.project])
def test_the_same_code_gives_the_same_bytes(make, tmp_path: Path):
    first, second = make(), make()
    assert first.body == second.body
    assert first.key == second.key
    names = [entry.filename for entry in zipfile.ZipFile(io.BytesIO(first.body)).infolist()]
    assert names == sorted(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_times_and_owners_do_not_show(tmp_path: Path):
    file = tmp_path / "a.py"
    file.write_text("x")
    before = bundle.zipped(tmp_path, [file])
    file.touch()
    file.chmod(0o700)
    assert bundle.zipped(tmp_path, [file]) == before
    file.write_text("y")
    assert bundle.zipped(tmp_path, [file]) != before


def test_the_exporter_runs_from_its_zip_with_nothing_but_boto3(tmp_path: Path):
    (tmp_path / "code.zip").write_bytes(bundle.exporter().body)
    libraries = tmp_path / "lambda"
    libraries.mkdir()
    site = Path(boto3.__file__).parent.parent
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        (libraries / name).symlink_to(site / name)
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path / 'code.zip')!r}, {str(libraries)!r}]\n"
        "from private_analytics.exports.handler import handler\n"
        "try: handler({}, None)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    environment = {"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-S", "-E", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("UserError EXPORT_FIRST_DAY")


def test_the_exporters_zip_holds_what_it_imports_and_no_more():
    names = zipfile.ZipFile(io.BytesIO(bundle.exporter().body)).namelist()
    finder = ModuleFinder(path=[str(REPOSITORY / "scripts")])
    finder.import_hook("private_analytics.exports.handler")
    imported = [
        Path(module.__file__).relative_to(REPOSITORY / "scripts") for module in finder.modules.values() if module.__file__
    ]
    assert names == sorted(map(str, imported))
    assert len(names) == 14


def test_the_projects_zip_holds_all_that_the_buildspec_runs():
    archive = zipfile.ZipFile(io.BytesIO(bundle.project().body))
    names = set(archive.namelist())
    assert names >= {
        "dbt_project.yml",
        "profiles.example.yml",
        "requirements.lock",
        "infra/buildspec.yml",
        "infra/daily.sh",
        "pyproject.toml",
        "scripts/private_analytics/cli.py",
    }
    tracked = subprocess.run(
        ["git", "ls-files", "models", "macros", "seeds", "tests/data", "scripts/private_analytics"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {name for name in tracked if (REPOSITORY / name).exists()} <= names


def test_the_daily_run_calls_commands_that_there_are():
    called = re.findall(r"(?m)^(?:\{ )?pal ([a-z -]+?)(?= \|\|| &&)", (REPOSITORY / "infra" / "daily.sh").read_text())
    assert len(called) == 4
    for words in called:
        command: click.Command = cli
        for word in words.split():
            assert isinstance(command, click.Group)
            command = command.commands[word]


# --- Settings ---


def test_the_example_is_right():
    read = settings.read(REPOSITORY / settings.EXAMPLE, WHOLE["Parameters"])
    assert read.parameters["FirstDay"] == str(date(2026, 10, 1))
    assert read.parameters.keys() == WHOLE["Parameters"].keys() - set(settings.OURS)


def test_on_off_and_days_are_taken_as_people_write_them(tmp_path: Path):
    file = write(tmp_path, "Stack: s\nParameters: {FirstDay: 2026-10-01, Transform: off, ImageUploadOrigins: [a, b]}")
    read = settings.read(file, WHOLE["Parameters"]).parameters
    assert (read["FirstDay"], read["Transform"], read["ImageUploadOrigins"]) == ("2026-10-01", "off", "a,b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Parameters: {}", "FirstDay is missing"),
        ("Parameters: {FirstDay: soon}", "FirstDay is 'soon'"),
        ("Parameters: {FirstDay: '2026-10-01', Colour: red}", "no parameter Colour"),
        ("Parameters: {FirstDay: '2026-10-01', ExporterZip: x}", "no parameter ExporterZip"),
        ("Parameters: {FirstDay: '2026-10-01', LogRetentionDays: 7}", "not one of 30, 60, 90"),
        ("Parameters: {FirstDay: '2026-10-01', GlacierAfterDays: many}", "not a whole number"),
        ("Parameters: {FirstDay: '2026-10-01', BytesScannedCutoff: 1}", "less than 10000000"),
        ("Parameters: {FirstDay: '2026-10-01', NamePrefix: My_Shop}", "NamePrefix is 'My_Shop'"),
        ("Parameters: {FirstDay: '2026-10-01', OtherReaders: me}", "OtherReaders is 'me'"),
        ("Parameters: {FirstDay: '2026-10-01', NamePrefix: a-very-long-name-indeed}", "longer than 20"),
        ("Parameters: {FirstDay: '2026-10-01', GlacierAfterDays: 900}", "ExpireLogsAfterDays must be more"),
        ("Stack: 1x\nParameters: {FirstDay: '2026-10-01'}", "Stack is '1x'"),
        ("Parameters: [a]", "Parameters must map names"),
        ("Name: x", "expected Stack: and Parameters:"),
        ("- x", "expected Stack: and Parameters:"),
        ("a: [", "cannot be read"),
    ],
)
def test_wrong_settings_are_told_with_the_files_name(tmp_path: Path, text: str, words: str):
    with pytest.raises(UserError, match=re.escape(words)) as told:
        settings.read(write(tmp_path, text), WHOLE["Parameters"])
    assert "stack.yaml" in str(told.value)


def test_settings_that_are_not_there_tell_where_the_example_is(tmp_path: Path):
    with pytest.raises(UserError, match=re.escape(settings.EXAMPLE)):
        settings.read(tmp_path / "stack.yaml", WHOLE["Parameters"])


# --- States ---


def test_every_state_that_aws_knows_has_a_meaning():
    model = boto3.client("cloudformation", region_name="eu-central-1").meta.service_model
    for status in model.shape_for("StackStatus").enum:
        state = states.meaning(status)
        assert "not known here" not in state.note, status
        if state.can == "stuck":
            assert state.advice, status
        if state.can == "wait":
            assert status.endswith("_IN_PROGRESS")


def test_a_state_of_the_future_is_not_taken_for_a_good_one():
    assert states.meaning("SOMETHING_NEW").can == "stuck"
    assert states.meaning("SOMETHING_IN_PROGRESS").can == "wait"


# --- Plans ---


def change(action: str, **more: object) -> dict:
    return {"ResourceChange": {"Action": action, "LogicalResourceId": "X", "ResourceType": "AWS::A::B", **more}}


@pytest.mark.parametrize(
    ("given", "text", "is_danger"),
    [
        (change("Add"), "add      X (AWS::A::B)", False),
        (change("Import", PhysicalResourceId="x1"), "import   x1 as X (AWS::A::B)", False),
        (change("Remove", PhysicalResourceId="x1"), "DELETE   X (AWS::A::B) x1", True),
        (change("Remove", PolicyAction="Delete"), "DELETE   X (AWS::A::B)", True),
        (change("Remove", PolicyAction="Retain"), "retain   X (AWS::A::B): leaves the stack, is kept", False),
        (change("Modify", Replacement="False", Details=[{"Target": {"Name": "Size"}}]), "change   X (AWS::A::B): Size", False),
        (change("Modify", Replacement="True", Scope=["Tags"]), "REPLACE  X (AWS::A::B): Tags", True),
        (
            change("Modify", Replacement="True", PolicyAction="ReplaceAndRetain", Scope=["Tags"]),
            "REPLACE  X (AWS::A::B): Tags (the old resource is kept)",
            True,
        ),
        (
            change("Modify", Replacement="Conditional", Scope=["Tags"]),
            "change, perhaps REPLACE  X (AWS::A::B): Tags",
            True,
        ),
        (change("Dynamic"), "DYNAMIC  X (AWS::A::B)", True),
    ],
)
def test_a_change_in_words(given: dict, text: str, is_danger: bool):
    (line,) = changes.of_change_set([given])
    assert (line.text.strip(), line.is_danger) == (text, is_danger)


def test_dangers_stand_last():
    lines = list(changes.of_change_set([change("Remove"), change("Add")]))
    assert [line.is_danger for line in lines] == [False, True]


def test_drift_in_words_without_secrets():
    difference = {"PropertyPath": "/P", "ExpectedValue": "hush", "ActualValue": "psst"}
    base = {"LogicalResourceId": "X", "PhysicalResourceId": "x1", "StackResourceDriftStatus": "MODIFIED"}
    shown = [
        line.text
        for kind in ("AWS::S3::Bucket", "AWS::SecretsManager::Secret")
        for line in changes.of_drift([base | {"ResourceType": kind, "PropertyDifferences": [difference]}])
    ]
    assert shown == [
        "  X (AWS::S3::Bucket) x1 /P: should be hush, is psst",
        "  X (AWS::SecretsManager::Secret) x1 /P: was changed",
    ]
