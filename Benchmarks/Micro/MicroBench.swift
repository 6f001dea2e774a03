func runMicro(_ options: BenchOptions) throws { _ = options }
