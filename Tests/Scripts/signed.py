"""Signed requests of Python programs: signed.py queries|otlp URL KEY SECRET.

queries: each way in which a selector may be written in a URL or a form, signed by botocore and sent as it was signed; a line
for each: its name, the status and the jobs that were found. otlp: metrics of the OpenTelemetry SDK, its requests signed.
"""
import http.client
import json
import sys
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

mode, url, key, secret = sys.argv[1:5]
credentials = Credentials(key, secret)


def sign(request, region="eu-west-1"):
    SigV4Auth(credentials, "aps", region).add_auth(request)
    return request.prepare()


def send(request):
    """Sends a prepared request without writing its URL anew, as `requests` would."""
    parts = request.url.split("/", 3)
    connection = http.client.HTTPConnection(parts[2])
    target, body = "/" + parts[3], request.body or b""
    connection.putrequest(request.method, "/", skip_accept_encoding=True, skip_host=True)
    # The line as it is: the library refuses characters that others send.
    connection._buffer[0] = f"{request.method} {target} HTTP/1.1".encode()
    headers = dict(request.headers.items())
    headers.setdefault("Host", parts[2])
    if request.method == "POST":
        headers["Content-Length"] = str(len(body))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body if isinstance(body, bytes) else body.encode())
    answer = connection.getresponse()
    return answer.status, answer.read()


def jobs(name, request):
    status, body = send(sign(request))
    try:
        found = sorted(series["job"] for series in json.loads(body)["data"])
    except (ValueError, KeyError, TypeError):
        found = body.decode(errors="replace")[:600]
    print(name, status, json.dumps(found, ensure_ascii=False), flush=True)


def queries():
    def get(name, query):
        jobs(name, AWSRequest("GET", f"{url}?{query}"))

    def form(name, body, query=""):
        jobs(name, AWSRequest(
            "POST", url + query, data=body.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"}))

    def params(name, pairs):
        jobs(name, AWSRequest("GET", url, params=pairs))

    quote = urllib.parse.quote
    get("brackets", "match[]=one")
    get("encoded-brackets", "match%5B%5D=one")
    get("small-digits", "match%5b%5d=one")
    get("several", "match[]=one&match[]=two")
    get("several-encoded", "match%5B%5D=two&match%5B%5D=one")
    get("both-spellings", "match%5B%5D=two&match[]=one")
    get("braces", 'match[]={job="x"}')
    get("braces-encoded", "match%5B%5D=%7Bjob%3D%22x%22%7D")
    get("equals-as-it-is", "match%5B%5D=%7Bjob=%22x%22%7D")
    get("blank-as-plus", "match%5B%5D=%7Bjob%3D%22a+b%22%7D")
    get("blank-as-percent", "match%5B%5D=%7Bjob%3D%22a%20b%22%7D")
    get("plus", "match%5B%5D=%7Bjob%3D%22a%2Bb%22%7D")
    get("percent", "match%5B%5D=%7Bjob%3D%22a%25b%22%7D")
    get("ampersand", "match%5B%5D=%7Bjob%3D%22a%26b%22%7D")
    get("utf8", "match%5B%5D=" + quote('{job="ü"}', safe=""))
    get("utf8-small-digits", "match%5B%5D=%7Bjob%3D%22%c3%bc%22%7D")
    get("utf8-name", "match%5B%5D=" + quote('{"name with ü"}', safe=""))
    get("pattern", "match%5B%5D=" + quote('{job=~"a.b|x"}', safe=""))
    get("pattern-loosely", "match[]=" + quote('{job=~"a.b|x"}', safe="~.|()"))
    get("with-others", "start=0&match[]=one&end=4102444800&limit=9")
    get("name-alone-behind", "match[]=one&dedup")
    params("params", {"match[]": '{job="a b"}'})
    params("params-plus", {"match[]": '{job="a+b"}'})
    params("params-utf8", {"match[]": '{job="ü"}'})
    form("form", "match[]=one")
    form("form-encoded", "match%5B%5D=%7Bjob%3D%22a+b%22%7D")
    form("form-several", "match[]=one&match%5B%5D=two")
    form("form-and-query", "match[]=one", "?match[]=two")
    form("form-utf8", "match[]=" + quote('{job="ü"}'))


def otlp():
    import requests
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    class Signature(requests.auth.AuthBase):
        def __call__(self, request):
            # Headers that the transport may change are not covered.
            covered = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
            signed = AWSRequest(request.method, request.url, data=request.body, headers=covered)
            SigV4Auth(credentials, "aps", "eu-west-1").add_auth(signed)
            request.headers.update(signed.headers.items())
            return request

    session = requests.Session()
    session.auth = Signature()
    exporter = OTLPMetricExporter(endpoint=url, session=session)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=600_000)
    provider = MeterProvider([reader], Resource({"service.name": "signed", "service.instance.id": "1"}))
    meter = provider.get_meter("signed")
    meter.create_counter("signed.requests").add(3, {"route": "/a b"})
    meter.create_histogram("signed.seconds").record(0.2)
    print("flushed", provider.force_flush())
    provider.shutdown()


{"queries": queries, "otlp": otlp}[mode]()
