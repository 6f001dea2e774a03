/// A self-signed certificate for 127.0.0.1 and localhost and its key, made for these tests alone.
package enum TestCertificate {
  package static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBmzCCAUGgAwIBAgIUTJPOxCutgpxMph5NcgfuorpB/+QwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJYXB1cyB0ZXN0MCAXDTI2MTEyMTAyMTQ0OVoYDzIxMjYxMDI4
    MDIxNDQ5WjAUMRIwEAYDVQQDDAlhcHVzIHRlc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAQIfYrZ7lBMBMtxvgYvntH27RkwEqagB65qXOxkWqJjlkeCpqzrJRZN
    89nyJ/kuQwY0aCLgX1MdCImzkI1mQCNeo28wbTAdBgNVHQ4EFgQU4UlrkpEICnw+
    CDUW1O8t96A3ptgwHwYDVR0jBBgwFoAU4UlrkpEICnw+CDUW1O8t96A3ptgwDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
    zj0EAwIDSAAwRQIhANp5ghYzKM9YIeZWkN1B1VxBSNpLK9uu1n8ZS5wOVeX7AiAL
    mhH5OUpcB4FpAUSLmB+8Q875lFQFObGJXCEptKBqfQ==
    -----END CERTIFICATE-----
    """

  package static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguCLYPyrsDiTSEeS9
    QXcN3/8gSgHApId6LzhX/TL7T/+hRANCAAQIfYrZ7lBMBMtxvgYvntH27RkwEqag
    B65qXOxkWqJjlkeCpqzrJRZN89nyJ/kuQwY0aCLgX1MdCImzkI1mQCNe
    -----END PRIVATE KEY-----
    """
}
