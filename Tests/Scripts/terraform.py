"""Walks the calls that Terraform's provider makes for its aws_prometheus_ resources, in its order and with its conditions, against the
server at argv[1]. A plan is empty when what is read back is what was written: bytes of definitions, tags, settings."""
import json
import sys
import time
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

amp = boto3.client(
    "amp", endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id="AKID", aws_secret_access_key="secret",
    config=Config(retries={"max_attempts": 1}))

RULES = b"groups:\n  - name: test\n    rules:\n    - record: metric:recording_rule\n      expr: avg(rate(container_cpu_usage_seconds_total[5m]))\n"
DEFINITION = b"alertmanager_config: |\n  route:\n    receiver: 'default'\n  receivers:\n    - name: 'default'\n"
GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:example:*"


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def until(status, pending, target):
    """The provider's wait: any other state is an error."""
    for _ in range(30):
        found = status()
        if found == target:
            return
        assert found in pending, (found, pending, target)
        time.sleep(0.2)
    raise AssertionError(f"still not {target}")


def absent(call, **arguments):
    return "ABSENT" if code(call, **arguments) == "ResourceNotFoundException" else "DELETING"


def read_workspace(id, alias, tags, logging):
    """Every read of aws_prometheus_workspace."""
    found = amp.describe_workspace(workspaceId=id)["workspace"]
    assert found.get("alias") == alias and found["prometheusEndpoint"].endswith(f"/{id}/"), found
    if logging is None:
        assert code(amp.describe_logging_configuration, workspaceId=id) == "ResourceNotFoundException"
    else:
        assert amp.describe_logging_configuration(workspaceId=id)["loggingConfiguration"]["logGroupArn"] == logging
    assert amp.list_tags_for_resource(resourceArn=found["arn"])["tags"] == tags
    return found["arn"]


# aws_prometheus_workspace: create, read, update of alias, tags and logging, read.
id = amp.create_workspace(alias="tf", tags={"Name": "a"}, clientToken="terraform-1")["workspaceId"]
until(lambda: amp.describe_workspace(workspaceId=id)["workspace"]["status"]["statusCode"], ["CREATING"], "ACTIVE")
arn = read_workspace(id, "tf", {"Name": "a"}, None)
amp.create_logging_configuration(workspaceId=id, logGroupArn=GROUP)
until(
    lambda: amp.describe_logging_configuration(workspaceId=id)["loggingConfiguration"]["status"]["statusCode"],
    ["CREATING"], "ACTIVE")
amp.update_workspace_alias(workspaceId=id, alias="tf-2")
until(lambda: amp.describe_workspace(workspaceId=id)["workspace"]["status"]["statusCode"], ["UPDATING"], "ACTIVE")
amp.untag_resource(resourceArn=arn, tagKeys=["Name"])
amp.tag_resource(resourceArn=arn, tags={"Owner": "b"})
read_workspace(id, "tf-2", {"Owner": "b"}, GROUP)
amp.update_logging_configuration(workspaceId=id, logGroupArn=GROUP.replace("example", "other"))
read_workspace(id, "tf-2", {"Owner": "b"}, GROUP.replace("example", "other"))
amp.delete_logging_configuration(workspaceId=id)
until(lambda: absent(amp.describe_logging_configuration, workspaceId=id), ["DELETING"], "ABSENT")
read_workspace(id, "tf-2", {"Owner": "b"}, None)

# aws_prometheus_workspace_configuration: lists keep their order, what is computed is told.
sets = [
    {"limits": {"maxSeries": 1000}, "labelSet": {"env": "dev"}}, {"limits": {"maxSeries": 0}, "labelSet": {}},
    {"limits": {"maxSeries": 5}, "labelSet": {"a": "b", "c": "d"}}]
amp.update_workspace_configuration(workspaceId=id, retentionPeriodInDays=60, limitsPerLabelSet=sets)
settings = lambda: amp.describe_workspace_configuration(workspaceId=id)["workspaceConfiguration"]
until(lambda: settings()["status"]["statusCode"], ["UPDATING"], "ACTIVE")
assert settings()["limitsPerLabelSet"] == sets and settings()["retentionPeriodInDays"] == 60, settings()

# aws_prometheus_rule_group_namespace.
made = amp.create_rule_groups_namespace(workspaceId=id, name="rules", data=RULES, tags={"k": "v"})
describe = lambda: amp.describe_rule_groups_namespace(workspaceId=id, name="rules")["ruleGroupsNamespace"]
until(lambda: describe()["status"]["statusCode"], ["CREATING"], "ACTIVE")
assert describe()["data"] == RULES and describe()["arn"] == made["arn"]
changed = RULES.replace(b"5m", b"1m") + b"# kept\n"
amp.put_rule_groups_namespace(workspaceId=id, name="rules", data=changed)
until(lambda: describe()["status"]["statusCode"], ["UPDATING"], "ACTIVE")
assert describe()["data"] == changed and describe()["modifiedAt"] >= describe()["createdAt"]
assert amp.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"k": "v"}
assert code(amp.put_rule_groups_namespace, workspaceId=id, name="none", data=RULES) == "ResourceNotFoundException"
assert code(amp.put_rule_groups_namespace, workspaceId=id, name="rules", data=b"groups: [") == "ValidationException"
assert describe()["data"] == changed
pages = amp.get_paginator("list_rule_groups_namespaces").paginate(workspaceId=id, PaginationConfig={"PageSize": 1})
assert [n["name"] for page in pages for n in page["ruleGroupsNamespaces"]] == ["rules"]
amp.delete_rule_groups_namespace(workspaceId=id, name="rules")
until(lambda: absent(amp.describe_rule_groups_namespace, workspaceId=id, name="rules"), ["DELETING"], "ABSENT")

# aws_prometheus_alert_manager_definition.
amp.create_alert_manager_definition(workspaceId=id, data=DEFINITION)
definition = lambda: amp.describe_alert_manager_definition(workspaceId=id)["alertManagerDefinition"]
until(lambda: definition()["status"]["statusCode"], ["CREATING"], "ACTIVE")
assert definition()["data"] == DEFINITION
amp.put_alert_manager_definition(workspaceId=id, data=DEFINITION + b"\n")
until(lambda: definition()["status"]["statusCode"], ["UPDATING"], "ACTIVE")
assert definition()["data"] == DEFINITION + b"\n"
amp.delete_alert_manager_definition(workspaceId=id)
until(lambda: absent(amp.describe_alert_manager_definition, workspaceId=id), ["DELETING"], "ABSENT")

# aws_prometheus_query_logging_configuration.
destinations = [{"cloudWatchLogs": {"logGroupArn": GROUP}, "filters": {"qspThreshold": 1000}}]
amp.create_query_logging_configuration(workspaceId=id, destinations=destinations)
queries = lambda: amp.describe_query_logging_configuration(workspaceId=id)["queryLoggingConfiguration"]
until(lambda: queries()["status"]["statusCode"], ["CREATING"], "ACTIVE")
assert queries()["destinations"] == destinations and queries()["workspace"] == id
destinations[0]["filters"]["qspThreshold"] = 5
amp.update_query_logging_configuration(workspaceId=id, destinations=destinations)
assert queries()["destinations"] == destinations
amp.delete_query_logging_configuration(workspaceId=id)
until(lambda: absent(amp.describe_query_logging_configuration, workspaceId=id), ["DELETING", "ACTIVE"], "ABSENT")

# aws_prometheus_resource_policy: the revision is stored and sent back.
document = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": ["aps:RemoteWrite"], "Resource": arn}]})
put = amp.put_resource_policy(workspaceId=id, policyDocument=document)
assert put["policyStatus"] == "ACTIVE"
policy = amp.describe_resource_policy(workspaceId=id)
assert policy["policyDocument"] == document and policy["revisionId"] == put["revisionId"]
again = amp.put_resource_policy(workspaceId=id, policyDocument=document, revisionId=put["revisionId"])
assert again["revisionId"] != put["revisionId"]
assert code(amp.delete_resource_policy, workspaceId=id, revisionId=put["revisionId"]) == "ConflictException"
amp.delete_resource_policy(workspaceId=id, revisionId=again["revisionId"])
until(lambda: absent(amp.describe_resource_policy, workspaceId=id), ["DELETING", "ACTIVE"], "ABSENT")

# aws_prometheus_scraper and its data source.
assert amp.get_default_scraper_configuration()["configuration"].startswith(b"global:")
assert amp.list_scrapers()["scrapers"] == [] and amp.list_anomaly_detectors(workspaceId=id)["anomalyDetectors"] == []
assert code(amp.describe_scraper, scraperId="s-1") == "ResourceNotFoundException"
assert code(
    amp.create_scraper, scrapeConfiguration={"configurationBlob": b"x"},
    source={"eksConfiguration": {"clusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "subnetIds": ["s"]}},
    destination={"ampConfiguration": {"workspaceArn": arn}}) == "ValidationException"

# Destroy.
amp.delete_workspace(workspaceId=id)
until(lambda: absent(amp.describe_workspace, workspaceId=id), ["DELETING"], "ABSENT")
print("walked")
