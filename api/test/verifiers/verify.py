"""Verifies our access tokens as a resource server in Python would: PyJWT, with the key set fetched by PyJWKClient.

    verify.py <key set URL> <issuer> <seconds to keep the key set>

Each line of input is a token as a JSON string; each line of output is "yes", or "no: " and why.
"""

import json
import sys

import jwt

URL, ISSUER, KEEP = sys.argv[1], sys.argv[2], float(sys.argv[3])
REQUIRED = ["exp", "iat", "sub", "aud", "iss", "jti", "client_id"]

# The set is fetched again when its time is over, and never for a key that it lacks.
keys = jwt.PyJWKClient(URL, lifespan=KEEP, cooldown_duration=600)


def verdict(line):
    try:
        token = json.loads(line)
        key = keys.get_signing_key_from_jwt(token)
        checked = jwt.decode_complete(
            token,
            key,
            algorithms=["ES256"],
            audience=ISSUER,
            issuer=ISSUER,
            options={"require": REQUIRED},
        )
        return "yes" if checked["header"].get("typ") == "at+jwt" else "no: another type"
    except jwt.PyJWTError as error:
        return f"no: {error!r}"
    except Exception as error:
        return f"broken: {error!r}"


for line in sys.stdin:
    print(verdict(line), flush=True)
