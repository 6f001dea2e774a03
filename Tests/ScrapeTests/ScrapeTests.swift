import Testing

@testable import Scrape
