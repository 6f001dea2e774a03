import HTTP

// What exporters of the field expose, in their own spelling.
extension ScrapePeerExporters {
  static func fieldExporters(_ start: Int64) -> [String: ExporterFarm.Exporter] {
    [
      // Families without samples, and many labels.
      "/kube-state-metrics": { visit in
        let restarts = min(visit.number, steadyFrom)
        return .exposing(
          """
          # HELP kube_pod_info [STABLE] Information about pod.
          # TYPE kube_pod_info gauge
          kube_pod_info{namespace="shop",pod="cart-5d9c",uid="6f5a-11",host_ip="10.0.0.1",pod_ip="10.1.0.7",node="n-1",created_by_kind="ReplicaSet",created_by_name="cart-5d9",priority_class="",host_network="false"} 1
          # HELP kube_pod_status_phase [STABLE] The pods current phase.
          # TYPE kube_pod_status_phase gauge
          kube_pod_status_phase{namespace="shop",pod="cart-5d9c",uid="6f5a-11",phase="Pending"} 0
          kube_pod_status_phase{namespace="shop",pod="cart-5d9c",uid="6f5a-11",phase="Running"} 1
          # HELP kube_pod_container_status_restarts_total [STABLE] The number of container restarts per container.
          # TYPE kube_pod_container_status_restarts_total counter
          kube_pod_container_status_restarts_total{namespace="shop",pod="cart-5d9c",uid="6f5a-11",container="main"} \(restarts)
          # HELP kube_pod_annotations Kubernetes annotations converted to Prometheus labels.
          # TYPE kube_pod_annotations gauge
          # HELP kube_pod_created [STABLE] Unix creation timestamp
          # TYPE kube_pod_created gauge
          kube_pod_created{namespace="shop",pod="cart-5d9c",uid="6f5a-11"} 1.7e+09

          """)
      },
      // Commas behind the last label, labels of the target's names, empty ones, and timestamps of CloudWatch.
      "/cloudwatch": { visit in
        let step = Int64(min(visit.number, steadyFrom))
        return .exposing(
          """
          # HELP aws_elb_request_count_sum CloudWatch metric AWS/ELB RequestCount Dimensions: [AvailabilityZone, LoadBalancerName] Statistic: Sum Unit: Count
          # TYPE aws_elb_request_count_sum gauge
          aws_elb_request_count_sum{job="aws_elb",instance="",load_balancer_name="my\\"lb",availability_zone="eu-west-1a",} \(step).0 \(start + step * 1000)
          aws_elb_request_count_sum{job="aws_elb",instance="",load_balancer_name="other",availability_zone="eu-west-1b",} 1.0E-4 \(start + step * 1000)
          # HELP cloudwatch_exporter_scrape_error Non-zero if this scrape failed.
          # TYPE cloudwatch_exporter_scrape_error gauge
          cloudwatch_exporter_scrape_error 0.0

          """)
      },
    ]
  }
}
