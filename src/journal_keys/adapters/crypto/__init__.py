"""Keys that compute, tokens, ciphertexts: over the cryptography and PyJWT libraries."""
