import Format
import HTTP
import Model
import PlatformSimulation

@testable import Discovery
@testable import Outbound

// Answers of AWS and the files of its programs.
extension FuzzTarget {
  static let cloud = [
    FuzzTarget(
      name: "xml",
      seeds: {
        texts(
          "<?xml version='1.0'?><!--c--><a x:y=\"1\"><b>t&lt;&#x41;<![CDATA[<]]></b><c/></a>", "<a></b>",
          "<!DOCTYPE a><a/>")
      }
    ) { bytes in
      var reader = XMLReader(LentBytes(bytes))
      var events = 0
      var open = 0
      while let event = (try? reader.next()) ?? nil {
        events += 1
        switch event {
        case .start: open += 1
        case .end: open -= 1
        case .text: break
        }
        precondition(open >= 0 && open <= XMLReader.depthMax + 1, "elements do not nest")
        precondition(events <= 2 * bytes.count, "more events than bytes")
      }
      _ = try? XMLElement(LentBytes(bytes))
    },
    FuzzTarget(
      name: "ec2-answer",
      seeds: {
        texts(
          "<r><reservationSet><item><ownerId>1</ownerId><instancesSet><item><instanceId>i</instanceId><vpcId>v</vpcId>"
            + "<privateIpAddress>10.0.0.1</privateIpAddress><tagSet><item><key>a b</key><value>c</value></item></tagSet>"
            + "<networkInterfaceSet><item><subnetId>s</subnetId><ipv6AddressesSet><item><ipv6Address>::1</ipv6Address>"
            + "<isPrimaryIpv6>true</isPrimaryIpv6></item></ipv6AddressesSet><attachment><deviceIndex>9</deviceIndex>"
            + "</attachment></item></networkInterfaceSet></item></instancesSet></item></reservationSet></r>",
          "<Response><Errors><Error><Code>C</Code><Message>M</Message></Error></Errors></Response>")
      }
    ) { bytes in
      _ = AWSRequestError(ClientResponse(status: 400, headers: [], body: Array(bytes)))
      guard let root = try? XMLElement(LentBytes(bytes)) else { return }
      _ = try? AWSKeys(credentials: root)
      for reservation in root.items(of: "reservationSet") {
        for item in reservation.items(of: "instancesSet") {
          let target = EC2Instance(item, ownerID: "1")?.target(port: 80, region: "r", zoneIDs: ["a": "b"])
          precondition(target?.has("__address__") ?? true, "a target without an address")
        }
      }
    },
    FuzzTarget(
      name: "ecs-answer",
      seeds: {
        texts(
          #"{"taskArn":"t","group":"service:s","containerInstanceArn":"c","tags":[{"key":"a","value":"b"}],"attachments":"#
            + #"[{"type":"ElasticNetworkInterface","details":[{"name":"privateIPv4Address","value":"10.0.0.1"}]}]}"#,
          #"{"__type":"a#B:c","message":"m"}"#, #"{"Code":"Success","AccessKeyId":"a","SecretAccessKey":"b"}"#)
      }
    ) { bytes in
      _ = AWSRequestError(ClientResponse(status: 400, headers: [], body: Array(bytes)))
      _ = try? AWSKeys(json: Array(bytes))
      guard let object = JSONDocument(LentBytes(bytes)) else { return }
      _ = ECSServiceState(object)
      let other = Array(#"{"clusterArn":"a"}"#.utf8).lend { JSONDocument($0) }
      guard let state = ECSCluster(object) ?? other.flatMap({ ECSCluster($0) }) else { return }
      let target = ECSTask(object).target(port: 80, region: "r", ECSClusterState(state))
      precondition(target?.has("__address__") ?? true, "a target without an address")
    },
    FuzzTarget(
      name: "aws-profiles",
      seeds: {
        texts("[default]\nregion = a # b\n[profile p]\nrole_arn=r\n s3 =\n  a=1\n", "[profile default]\na=1\n[p]\n=")
      }
    ) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      for isCredentials in [false, true] {
        var profiles = AWSProfiles()
        profiles.add(text, isCredentials: isCredentials)
        precondition(profiles.profiles.values.reduce(0) { $0 + $1.count } <= bytes.count, "more keys than bytes")
      }
    },
    // A request as it arrives: its canonical form, and the URL that is signed.
    FuzzTarget(
      name: "sigv4", seeds: { texts("/a/../b%20c?x=1&a=%zz&&=", "//./?", "/\u{e9}?%C3%A9=+") }
    ) { bytes in
      let parts = bytes.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
      let path = String(decoding: parts[0], as: UTF8.self)
      let query = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
      let request = CanonicalRequest(
        method: "GET", path: path, query: query, headers: [(path, query)], payloadHash: "h")
      let signing = SigV4(region: "r", service: "s", time: "20260301T000000Z")
      precondition(signing.signature(request, secretKey: path).utf8.count == 64)
      precondition(PercentText.decode(PercentText.encode(bytes).utf8) == Array(bytes), "bytes do not come back")
      _ = AWSEndpoint.parts(of: "http://" + path)
      _ = AWSEndpoint.host(of: "https://" + path)
    },
  ]
}
