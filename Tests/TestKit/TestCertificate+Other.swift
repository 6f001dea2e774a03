extension TestCertificate {
  /// Another certificate for the same names, with a key of its own: what a renewal puts in the place of the first.
  package static let otherCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIBnTCCAUOgAwIBAgIUDpw+CUlM7hQQc5abMNdpxH9tV6owCgYIKoZIzj0EAwIw
    FTETMBEGA1UEAwwKYXB1cyBvdGhlcjAgFw0yNjEyMDEwNjQ0NTdaGA8yMTI2MTEw
    NzA2NDQ1N1owFTETMBEGA1UEAwwKYXB1cyBvdGhlcjBZMBMGByqGSM49AgEGCCqG
    SM49AwEHA0IABD/2I3k1uVoSFZD9YCFYw69rOBrc4d8bPITaJNp8NWAX8WdBnnv2
    iW6j2Sw3lUCy5b7F2s2aGilA35GIGfRgi1ejbzBtMB0GA1UdDgQWBBQo3yjZTWrl
    RfeKcgpJckZ3PtHxojAfBgNVHSMEGDAWgBQo3yjZTWrlRfeKcgpJckZ3PtHxojAP
    BgNVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9zdDAKBggq
    hkjOPQQDAgNIADBFAiB9FPjeCsQrVkSSonccgRYDnsdonpR+WXCJEJHop7h2fgIh
    AKIoTLkoA/y+6nKiVXJyRZKe2FBnOeibHSpja9cnoJdi
    -----END CERTIFICATE-----
    """

  package static let otherKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7HIdch7+IWVC5v6A
    /etSZ11Irmg7lMf4uX6P4sdHq8KhRANCAAQ/9iN5NblaEhWQ/WAhWMOvazga3OHf
    GzyE2iTafDVgF/FnQZ579oluo9ksN5VAsuW+xdrNmhopQN+RiBn0YItX
    -----END PRIVATE KEY-----
    """
}
