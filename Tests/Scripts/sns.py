# Plays Amazon SNS for a test: a server of moto with a topic, and a queue that gets what is published. Prints one line of JSON,
# the server's URL and the topic; then one line for each message. Serves until its group is ended.
import json, logging, time
import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://%s:%d" % server.get_host_and_port()

def client(name):
    return boto3.client(name, region_name="eu-west-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="s")

sns, sqs = client("sns"), client("sqs")
topic = sns.create_topic(Name="alerts")["TopicArn"]
queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
print(json.dumps({"url": url, "topic": topic}), flush=True)
while True:
    for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0).get("Messages", []):
        body = json.loads(message["Body"])
        print(json.dumps({key: body.get(key, "") for key in ("TopicArn", "Subject", "Message")}), flush=True)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    time.sleep(0.05)
