/// A prometheus.yml as they are found in the field: every section, anchors, several discoveries.
let realLifeConfiguration = """
  # Fleet of the payments team
  global:
    scrape_interval: 15s
    scrape_timeout: 10s
    evaluation_interval: 30s
    query_log_file: /prometheus/query.log
    external_labels:
      cluster: ${CLUSTER}
      __replica__: $REPLICA
      price: $$5
      region: eu-central-1

  rule_files:
    - "rules/*.yml"
    - /etc/prometheus/alerts/ecs-*.yaml

  scrape_config_files:
    - conf.d/*.yml

  alerting:
    alert_relabel_configs:
      - regex: __replica__
        action: labeldrop
    alertmanagers:
      - scheme: http
        path_prefix: /alertmanager
        timeout: 5s
        api_version: v2
        static_configs:
          - targets: ["alertmanager-0:9093", 'alertmanager-1:9093']

  scrape_configs:
    - job_name: prometheus
      static_configs:
        - targets: [localhost:9090]
          labels: {team: payments, tier: 0}

    - job_name: ecs-services
      honor_labels: yes
      metrics_path: /actuator/prometheus
      scheme: https
      tls_config: &tls
        ca_file: /etc/ssl/ca.pem
        insecure_skip_verify: true
      basic_auth:
        username: scraper
        password: hunter2
      ec2_sd_configs:
        - region: eu-central-1
          port: 9100
          refresh_interval: 60s
          filters:
            - name: tag:Environment
              values: [production, staging]
      relabel_configs: &relabel
        - source_labels: [__meta_ec2_tag_Name]
          target_label: instance
        - source_labels: [__meta_ec2_tag_Service, __meta_ec2_tag_Version]
          separator: "-"
          regex: "(.+)-(v[0-9]+)"
          target_label: service
          replacement: "${1}_$2"
        - source_labels: [__address__]
          modulus: 4
          target_label: __tmp_hash
          action: hashmod
        - action: LabelMap
          regex: __meta_ec2_tag_(.+)

    - job_name: kubernetes-pods
      sample_limit: 50000
      body_size_limit: 10MB
      kubernetes_sd_configs:
        - role: pod
          namespaces:
            own_namespace: false
            names: [default, payments]
      tls_config:
        <<: *tls
        server_name: pods.internal
      authorization:
        credentials_file: /var/run/secrets/token
      relabel_configs: *relabel
      metric_relabel_configs:
        - source_labels: [__name__]
          regex: "go_(gc|memstats)_.*"
          action: drop

    - job_name: blackbox
      params:
        module: [http_2xx]
      metrics_path: /probe
      static_configs:
        - targets: ["https://example.com/health"]
      relabel_configs:
        - source_labels: [__address__]
          target_label: __param_target

    - job_name: cloudwatch
      scrape_interval: 5m
      scrape_timeout: 1m
      file_sd_configs:
        - files: [targets/*.json, more/targets.yml]
      dns_sd_configs:
        - names: [_cw._tcp.example.com]
        - names: [cw.example.com]
          type: A
          port: 9106
      http_sd_configs:
        - url: https://sd.example.com/targets
          bearer_token: abc
      consul_sd_configs:
        - server: consul:8500
          token: secret-token
          services: [api]

  remote_write:
    - url: https://writer:p4ss@aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write
      name: amp
      sigv4:
        region: eu-central-1
        access_key: AKIA
        secret_key: shh
      queue_config:
        max_samples_per_send: 1000
        max_shards: 200
        capacity: 2500
      write_relabel_configs:
        - source_labels: [__name__]
          regex: tmp_.*
          action: drop
    - url: http://mimir:9009/api/v1/push
      remote_timeout: 45s
      headers: {X-Scope-OrgID: payments}
      metadata_config: {send: false}
      oauth2:
        client_id: me
        client_secret: oauth-secret
        token_url: https://id.example.com/token
        scopes: [write]

  remote_read:
    - url: http://old-prometheus:9090/api/v1/read
      read_recent: true
      required_matchers: {job: archive}

  storage:
    tsdb:
      out_of_order_time_window: 30m
      retention:
        time: 90d
        size: 100GB
    exemplars:
      max_exemplars: 1e5

  otlp:
    promote_resource_attributes: [service.name, service.instance.id]
    translation_strategy: NoUTF8EscapingWithSuffixes

  tracing:
    endpoint: otel:4317
    sampling_fraction: 0.1
    insecure: true

  runtime:
    gogc: 50

  """
