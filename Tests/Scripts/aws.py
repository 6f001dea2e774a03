# Plays AWS for the tests of its discoveries: a server of moto with instances, clusters and tasks that boto3 has made. Prints
# one line of JSON: the server's URL, and the targets as Prometheus makes them of what boto3 says is there. Serves until its
# group is ended.
import json, logging, re, threading
import boto3
from moto.moto_api import state_manager
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1000})  # tasks stay as they are
url = "http://%s:%d" % server.get_host_and_port()
REGION, PORT = "eu-west-1", 9100

def client(name):
    return boto3.client(name, region_name=REGION, endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="s")

ec2, ecs = client("ec2"), client("ecs")
safe = lambda key: re.sub("[^a-zA-Z0-9_]", "_", key)
tag_set = lambda **tags: [{"Key": k, "Value": v} for k, v in tags.items()]
def run(count, tags):
    spec = [{"ResourceType": "instance", "Tags": tags}]
    ids = [i["InstanceId"] for i in ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=count, MaxCount=count, InstanceType="t3.micro", TagSpecifications=spec)["Instances"]]
    return ids
prod = run(2, [{"Key": "Env", "Value": "prod & <main>"}, {"Key": "team:name", "Value": "a-b"}])
other = run(1, tag_set(Env="test"))
ec2.stop_instances(InstanceIds=[prod[1]])

zones = {z["ZoneName"]: z["ZoneId"] for z in ec2.describe_availability_zones()["AvailabilityZones"]}
def instance_labels(owner, i):
    l = {"__address__": "%s:%d" % (i["PrivateIpAddress"], PORT), "__meta_ec2_private_ip": i["PrivateIpAddress"],
         "__meta_ec2_instance_id": i["InstanceId"], "__meta_ec2_region": REGION, "__meta_ec2_owner_id": owner,
         "__meta_ec2_private_dns_name": i["PrivateDnsName"], "__meta_ec2_ami": i["ImageId"],
         "__meta_ec2_availability_zone": i["Placement"]["AvailabilityZone"],
         "__meta_ec2_availability_zone_id": zones[i["Placement"]["AvailabilityZone"]],
         "__meta_ec2_instance_state": i["State"]["Name"], "__meta_ec2_instance_type": i["InstanceType"],
         "__meta_ec2_architecture": i["Architecture"], "__meta_ec2_platform": i.get("Platform", ""),
         "__meta_ec2_instance_lifecycle": i.get("InstanceLifecycle", "")}
    if i.get("PublicIpAddress"):
        l["__meta_ec2_public_ip"] = i["PublicIpAddress"]; l["__meta_ec2_public_dns_name"] = i["PublicDnsName"]
    if i.get("VpcId"):
        l["__meta_ec2_vpc_id"] = i["VpcId"]; l["__meta_ec2_primary_subnet_id"] = i["SubnetId"]
        subnets = list(dict.fromkeys(n["SubnetId"] for n in i["NetworkInterfaces"]))
        l["__meta_ec2_subnet_id"] = "," + ",".join(subnets) + ","
    for t in i.get("Tags", []): l["__meta_ec2_tag_" + safe(t["Key"])] = t["Value"]
    return {k: v for k, v in l.items() if v}
def instances(**arguments):
    return [(r["OwnerId"], i) for r in ec2.describe_instances(**arguments)["Reservations"] for i in r["Instances"]]

subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
lower = lambda **tags: [{"key": k, "value": v} for k, v in tags.items()]
definition = dict(containerDefinitions=[{"name": "web", "image": "nginx", "cpu": 10, "memory": 64}])
ecs.register_task_definition(family="near", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", **definition)
ecs.register_task_definition(family="far", networkMode="bridge", **definition)
arns = {}
for name in ("one", "two", "empty"):
    arns[name] = ecs.create_cluster(clusterName=name, tags=lower(**{"cost.center": name}))["cluster"]["clusterArn"]
group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
vpc = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group], "assignPublicIp": "ENABLED"}}
ecs.create_service(cluster="one", serviceName="web", taskDefinition="near", desiredCount=0, launchType="FARGATE",
                   networkConfiguration=vpc, tags=lower(tier="front"))
ecs.run_task(cluster="one", taskDefinition="near", launchType="FARGATE", networkConfiguration=vpc, count=2,
             group="service:web", tags=lower(**{"a b": "task"}))
ecs.run_task(cluster="one", taskDefinition="near", launchType="FARGATE", networkConfiguration=vpc, count=1)
document = lambda i: json.dumps({"instanceId": i, "region": REGION, "availabilityZone": REGION + "a", "accountId": "1",
  "instanceType": "t3.micro", "imageId": "ami-12c6146b", "architecture": "x86_64", "privateIp": "10.0.0.1", "pendingTime": "2026-03-01T00:00:00Z",
  "version": "2017-09-30", "billingProducts": None, "devpayProductCodes": None, "kernelId": None, "ramdiskId": None, "marketplaceProductCodes": None})
ecs.register_container_instance(cluster="two", instanceIdentityDocument=document(prod[0]))
ecs.run_task(cluster="two", taskDefinition="far", launchType="EC2", count=1, group="batch")

details = ecs.describe_tasks(cluster="one", tasks=ecs.list_tasks(cluster="one")["taskArns"])["tasks"][0]["attachments"][0]["details"]
address = ec2.allocate_address(Domain="vpc")["AllocationId"]
ec2.associate_address(AllocationId=address, NetworkInterfaceId=next(d["value"] for d in details if d["name"] == "networkInterfaceId"))
public = {n["NetworkInterfaceId"]: n["Association"]["PublicIp"] for n in ec2.describe_network_interfaces()["NetworkInterfaces"]
          if n.get("Association", {}).get("PublicIp")}
def task_labels(cluster, t):
    p = "__meta_ecs_"
    l = {p + "region": REGION, p + "launch_type": t.get("launchType", ""), p + "health_status": t.get("healthStatus", ""),
         p + "cluster_arn": cluster["clusterArn"], p + "cluster": cluster["clusterName"], p + "task_group": t.get("group", ""),
         p + "task_arn": t["taskArn"], p + "task_definition": t["taskDefinitionArn"],
         p + "availability_zone": t.get("availabilityZone", ""), p + "desired_status": t.get("desiredStatus", ""),
         p + "last_status": t.get("lastStatus", ""), p + "platform_family": t.get("platformFamily", ""),
         p + "platform_version": t.get("platformVersion", ""), p + "container_instance_arn": t.get("containerInstanceArn", "")}
    eni = next((a for a in t.get("attachments", []) if a["type"] == "ElasticNetworkInterface"), None)
    ec2_id, machine = "", None
    if t.get("containerInstanceArn"):
        ci = ecs.describe_container_instances(cluster=cluster["clusterArn"], containerInstances=[t["containerInstanceArn"]])
        ec2_id = ci["containerInstances"][0]["ec2InstanceId"]
        machine = instances(InstanceIds=[ec2_id])[0][1]
        l.update({p + "ec2_instance_id": ec2_id, p + "ec2_instance_type": machine["InstanceType"],
                  p + "ec2_instance_private_ip": machine["PrivateIpAddress"], p + "ec2_instance_public_ip": machine.get("PublicIpAddress", "")})
        for g in machine.get("Tags", []): l[p + "tag_ec2_" + safe(g["Key"])] = g["Value"]
    if eni:
        d = {x["name"]: x["value"] for x in eni["details"]}
        address = d["privateIPv4Address"]
        l.update({p + "network_mode": "awsvpc", p + "subnet_id": d.get("subnetId", ""), p + "public_ip": public.get(d.get("networkInterfaceId"), "")})
    else:
        address = machine["PrivateIpAddress"]
        l.update({p + "network_mode": "bridge", p + "subnet_id": machine.get("SubnetId", ""), p + "public_ip": machine.get("PublicIpAddress", "")})
    l[p + "ip_address"] = address; l["__address__"] = "%s:%d" % (address, PORT)
    for g in cluster["tags"]: l[p + "tag_cluster_" + safe(g["key"])] = g["value"]
    for g in t.get("tags", []): l[p + "tag_task_" + safe(g["key"])] = g["value"]
    if t.get("group", "").startswith("service:"):
        s = ecs.describe_services(cluster=cluster["clusterArn"], services=[t["group"][8:]], include=["TAGS"])["services"][0]
        l.update({p + "service": s["serviceName"], p + "service_arn": s["serviceArn"], p + "service_status": s["status"]})
        for g in s.get("tags", []): l[p + "tag_service_" + safe(g["key"])] = g["value"]
    return {k: v for k, v in l.items() if v}
def tasks(name):
    cluster = ecs.describe_clusters(clusters=[arns[name]], include=["TAGS"])["clusters"][0]
    found = ecs.list_tasks(cluster=name)["taskArns"]
    return [task_labels(cluster, t) for t in ecs.describe_tasks(cluster=name, tasks=found, include=["TAGS"])["tasks"]] if found else []
print(json.dumps({"url": url, "ec2": [instance_labels(o, i) for o, i in instances()],
  "prod": [instance_labels(o, i) for o, i in instances(Filters=[{"Name": "tag:Env", "Values": ["prod & <main>"]}])],
  "ecs": tasks("one") + tasks("two") + tasks("empty"), "one": tasks("one"), "arn": arns["one"]}), flush=True)
threading.Event().wait()
