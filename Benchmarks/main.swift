import Glibc

// Measurements of the whole server beside its peers: one subcommand each. See README.md in this folder.

private let usage = """
  usage: Benchmarks COMMAND [options]

  commands
    report     all figures of Apus beside Prometheus and VictoriaMetrics, in one table
    growth     cost of samples, series and queries at 10,000, 100,000, ... series
    micro      nanoseconds of the hot loops, without a server
    exposition reading what targets expose: nanoseconds a line, without a server
    scrape     CPU of scraping 500 targets x 1,000 series every 15 s
    rules      CPU of 1,000 groups x 10 rules every 15 s over 200,000 series (Apus and Prometheus)
    ingest     CPU of taking in 200,000 series x 40 scrapes
    signed     the same unsigned and signed, by turns (Apus alone)
    flood      waits of right passwords beside 1,000 wrong ones a second (Apus alone)
    memory     resident memory per series, 1,000,000 series after 10 scrapes
    restart    time to ready after SIGKILL, 1,000,000 series x 120 scrapes in the log
    compact    compaction of blocks of 20,000 series x 5,000 scrapes (no server)
    block-read select and read all of a block of 1,000 series x 480 scrapes (no server)
    day        blocks of a day of 2,000 series: bytes and CPU of flush and compaction per sample
    pause      longest wait of appends and queries beside flushes and compactions (Apus alone unless --only)
    queries    CPU of dashboard queries over a day of 1,000 series, answers compared
    query-memory  memory of one sum by (job) (rate()) over 100,000 series x 240 steps
    kill       50 rounds of SIGKILL under load; every acknowledged sample is asked for (Apus alone)
    siege      bad clients of every kind beside good ones, who must not notice (Apus alone)
    soak       writes with churn, late data, queries, reloads, deletions, snapshots at once (Apus alone)

  options
    --series N          active series                    --scrapes N       samples per series, 15 s apart
    --connections N     keep-alive connections (2)       --body N          series in a body (2000)
    --settle SECONDS    work counted after the last body (15)
    --only A,B          of apus,prometheus,victoria      --seed N          of values and moments (1)
    --query-milliseconds N  how long a query is repeated in each of seven rounds (200)
    --turns N           of signed and flood (5)
    --rounds N          of kill (50)                     --data DIR        where the data directories are made
    --replica NAME      the load is that of this replica of an HA pair
    --replicas N        each body is sent by so many replicas
    --mix SHARES        of values: counters=30,bytes=15,decimals=15,constants=40 (percent, in steps of 5)
    --churn SHARE       of the series is replaced from one scrape to the next (0)
    --jitter MILLISECONDS  scrapes come up to so much too early or too late (0)
    --size SIZE         of report: tiny (seconds), small (a minute), medium, full (hours)
    --only-rows A,B     of report: its parts or rows, by name; a wrong one prints them all
    --json FILE         of report and growth: the same for programs
    --seconds N             of siege (30), flood (20), soak (120), scrape (150, each contender), rules (120, twice)
    --targets N             of scrape (500), of --series each (1000)
    --interval SECONDS      of scrape and rules (15)
    --groups N              of rules (1000), of --rules each (10)
    --picture FILE          of soak: memory, descriptors, threads, waits as SVG
    --max N             of growth: the largest number of series (1,000,000)
    --apus-flag FLAG    passed on to Apus; may be repeated
  """

Interruption.install()
do {
  let options = try BenchOptions(Array(CommandLine.arguments.dropFirst()))
  switch options.command {
  case "report": try runReport(options)
  case "growth": try runGrowth(options)
  case "micro": try runMicro(options)
  case "exposition": try runExposition(options)
  case "scrape": try runScrape(options)
  case "rules": try runRules(options)
  case "ingest": try runIngest(options)
  case "signed": try runSigned(options)
  case "flood": try runFlood(options)
  case "memory": try runMemory(options)
  case "restart": try runRestart(options)
  case "compact": try runCompaction(options)
  case "block-read": try runBlockRead(options)
  case "day": try runDay(options)
  case "pause": try runPause(options)
  case "kill": try runKill(options)
  case "siege": try runSiege(options)
  case "soak": try runSoak(options)
  case "queries": try runQueries(options)
  case "query-memory": try runQueryMemory(options)
  case "help", "--help": print(usage)
  default: throw BenchOptions.Mistake(description: "unknown command '\(options.command)'\n\(usage)")
  }
  Interruption.waitIfStopping()
} catch {
  Interruption.waitIfStopping()
  report("\(error)")
  exit(error is BenchOptions.Mistake ? 2 : 1)
}
