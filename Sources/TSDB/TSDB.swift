// TSDB
