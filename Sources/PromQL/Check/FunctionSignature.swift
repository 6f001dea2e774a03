// The functions of the language: names, argument kinds, result kinds. What they compute is in Functions/.

/// The number of arguments that a function takes beyond the listed ones; the last listed one may be left out then.
package enum Variadic: Sendable, Equatable {
  case fixed
  /// Up to this many of the last kind.
  case upTo(Int)
  case unlimited
}

package struct FunctionSignature: Sendable {
  package let name: String
  package let arguments: [ValueKind]
  package let variadic: Variadic
  package let result: ValueKind
  package let isExperimental: Bool

  package static func named(_ name: String) -> FunctionSignature? { table[name] }

  package static var all: [FunctionSignature] { table.values.sorted { $0.name < $1.name } }

  private static let table: [String: FunctionSignature] = {
    var table: [String: FunctionSignature] = [:]
    func add(
      _ names: String, _ arguments: [ValueKind], _ result: ValueKind = .vector, _ variadic: Variadic = .fixed,
      experimental: Bool = false
    ) {
      for name in names.split(separator: " ").map(String.init) {
        table[name] = FunctionSignature(
          name: name, arguments: arguments, variadic: variadic, result: result, isExperimental: experimental)
      }
    }
    add("abs absent ceil exp floor ln log10 log2 sgn sqrt timestamp sort sort_desc deg rad", [.vector])
    add("acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh", [.vector])
    add("histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar", [.vector])
    add("absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta", [.matrix])
    add("increase irate last_over_time max_over_time min_over_time present_over_time rate resets", [.matrix])
    add("stddev_over_time stdvar_over_time sum_over_time", [.matrix])
    add("mad_over_time ts_of_first_over_time ts_of_last_over_time", [.matrix], experimental: true)
    add("ts_of_max_over_time ts_of_min_over_time", [.matrix], experimental: true)
    add("clamp", [.vector, .scalar, .scalar])
    add("clamp_max clamp_min", [.vector, .scalar])
    add("day_of_month day_of_week day_of_year days_in_month hour minute month year", [.vector], .vector, .upTo(1))
    add("double_exponential_smoothing", [.matrix, .scalar, .scalar], experimental: true)
    add("end range start step", [], .scalar, experimental: true)
    add("histogram_fraction", [.scalar, .scalar, .vector])
    add("histogram_quantile", [.scalar, .vector])
    add("histogram_quantiles", [.vector, .string, .scalar, .scalar], .vector, .upTo(9), experimental: true)
    add("info", [.vector, .vector], .vector, .upTo(1), experimental: true)
    add("label_join", [.vector, .string, .string, .string], .vector, .unlimited)
    add("label_replace", [.vector, .string, .string, .string, .string])
    add("max_of min_of", [.scalar, .scalar], .scalar, experimental: true)
    add("pi time", [], .scalar)
    add("predict_linear", [.matrix, .scalar])
    add("quantile_over_time", [.scalar, .matrix])
    add("round", [.vector, .scalar], .vector, .upTo(1))
    add("scalar", [.vector], .scalar)
    add("sort_by_label sort_by_label_desc", [.vector, .string], .vector, .unlimited, experimental: true)
    add("start_timestamp", [.vector], experimental: true)
    add("vector", [.scalar])
    return table
  }()
}
