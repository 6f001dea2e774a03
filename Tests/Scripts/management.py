"""Walks the workspaces of the management API of the server at argv[1] with AWS's own client; prints the id of one that is left."""
import sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

amp = boto3.client(
    "amp", endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id="AKID", aws_secret_access_key="secret",
    config=Config(retries={"max_attempts": 1}))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error.response
    raise AssertionError(f"{code} was expected")


made = amp.create_workspace(alias=" prod ", tags={"team": "a b"}, clientToken="token-1")
again = amp.create_workspace(alias=" prod ", tags={"team": "a b"}, clientToken="token-1")
assert made["workspaceId"] == again["workspaceId"], (made, again)
refused("ConflictException", amp.create_workspace, alias="other", clientToken="token-1")
id = made["workspaceId"]
amp.get_waiter("workspace_active").wait(workspaceId=id)
found = amp.describe_workspace(workspaceId=id)["workspace"]
assert found["alias"] == "prod" and found["prometheusEndpoint"].endswith(f"/workspaces/{id}/"), found
assert found["arn"] == made["arn"] == f"arn:aws:aps:eu-west-1:000000000000:workspace/{id}", found
assert found["createdAt"].year >= 2024, found

amp.update_workspace_alias(workspaceId=id, alias="production")
assert amp.describe_workspace(workspaceId=id)["workspace"]["alias"] == "production"
others = [amp.create_workspace(alias=f"page-{n}")["workspaceId"] for n in range(5)]
pages = list(amp.get_paginator("list_workspaces").paginate(alias="page-", PaginationConfig={"PageSize": 2}))
assert [len(page["workspaces"]) for page in pages] == [2, 2, 1], pages
assert sorted(w["workspaceId"] for page in pages for w in page["workspaces"]) == sorted(others)
assert "default" in [w["workspaceId"] for w in amp.list_workspaces()["workspaces"]]

amp.update_workspace_configuration(workspaceId=id, retentionPeriodInDays=30, outOfOrderTimeWindowInSeconds=120)
amp.update_workspace_configuration(workspaceId=id, ruleQueryOffsetInSeconds=90)
settings = amp.describe_workspace_configuration(workspaceId=id)["workspaceConfiguration"]
assert settings["status"]["statusCode"] == "ACTIVE" and settings["retentionPeriodInDays"] == 30, settings
assert settings["outOfOrderTimeWindowInSeconds"] == 120 and settings["ruleQueryOffsetInSeconds"] == 90, settings
error = refused("ValidationException", amp.update_workspace_configuration, workspaceId=id, retentionPeriodInDays=2000)
assert error["reason"] == "FIELD_VALIDATION_FAILED" and error["fieldList"][0]["name"] == "retentionPeriodInDays", error
refused("ConflictException", amp.update_workspace_configuration, workspaceId="default", retentionPeriodInDays=2)

amp.tag_resource(resourceArn=made["arn"], tags={"b": "2", "a c": "3"})
assert amp.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"team": "a b", "b": "2", "a c": "3"}
amp.untag_resource(resourceArn=made["arn"], tagKeys=["b", "a c"])
assert amp.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"team": "a b"}
refused("ValidationException", amp.tag_resource, resourceArn=made["arn"], tags={"aws:x": "1"})
error = refused("ResourceNotFoundException", amp.list_tags_for_resource, resourceArn=made["arn"] + "x")
assert error["resourceId"] and error["resourceType"], error

refused("ValidationException", amp.create_workspace, kmsKeyArn="arn:aws:kms:eu-west-1:000000000000:key/abcdef")
refused("ConflictException", amp.delete_workspace, workspaceId="default")
for other in others + [id]:
    amp.delete_workspace(workspaceId=other)
    amp.get_waiter("workspace_deleted").wait(workspaceId=other)
refused("ResourceNotFoundException", amp.delete_workspace, workspaceId=id)
assert [w["workspaceId"] for w in amp.list_workspaces()["workspaces"]] == ["default"]
kept = amp.create_workspace(alias="kept")["workspaceId"]
print(kept)
