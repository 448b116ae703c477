"""MiniStack with what it lacks for this stack: run as a program, it listens on GATEWAY_PORT of loopback."""

from __future__ import annotations

# Types that MiniStack does not make: they get a name and nothing else, so these are linted but never really deployed.
ONLY_LINTED = (
    "AWS::Athena::NamedQuery",
    "AWS::IAM::OIDCProvider",
    "AWS::Logs::QueryDefinition",
    "AWS::QuickSight::Dashboard",
    "AWS::QuickSight::DataSet",
    "AWS::QuickSight::DataSource",
)


def main() -> None:
    from ministack.app import main as serve
    from ministack.services.cloudformation import provisioners

    for name in ONLY_LINTED:
        assert name not in provisioners._RESOURCE_HANDLERS, f"MiniStack makes {name} now: take it out of this list"
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": lambda logical_id, _, stack: (f"{stack}-{logical_id}", {"Arn": f"arn:aws:only-linted:::{logical_id}"}),
            "delete": lambda *_: None,
        }
    # It refuses alarms on metric math: they are made without it.
    alarm_record, odd = provisioners._cw_metric_alarm_record, {"Metrics": None, "Namespace": "math", "MetricName": "math"}
    provisioners._cw_metric_alarm_record = lambda name, props: alarm_record(name, props | odd if "Metrics" in props else props)
    # It refuses a bucket that it was asked to take over, since that exists; AWS takes it over.
    provisioners.s3_bucket_name_conflict = lambda name: None
    serve()


if __name__ == "__main__":
    main()
