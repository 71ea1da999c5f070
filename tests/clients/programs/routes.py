"""Asks every operation of the whole document once, and holds the answer to what the document says of it.

The server must know the address, answer a status that the operation lists, in a media type it lists, with the headers it
lists as always there. Documents of one type must say the same as the whole one. CapabilityStatement and document must
name the same types, interactions and search parameters.
"""

import json
import os
import sys

import httpx

URL, TOKEN = os.environ["BINNACLE_URL"], os.environ["BINNACLE_TOKEN"]
METHODS = ("get", "post", "put", "patch", "delete")
NOWHERE = "There is nothing at this address."
CODES = {"read": "read", "vread": "vread", "update": "update", "patch": "patch", "delete": "delete", "historyOf": "history-instance",
         "historyOfType": "history-type", "create": "create", "search": "search-type"}

document = json.load(open("documents/everything.json"))
client = httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
faults = []


def resolve(node):
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def body_of(operation):
    """The media type and the example of a body, or an empty form."""
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, described in content.items():
        for example in described.get("examples", {}).values():
            return media_type, json.dumps(resolve(example)["value"])
        return media_type, ""
    return None, None


def ask(path, method, operation):
    at = f"{method.upper()} {path}"
    address = path.format(id="described", version=1, member="Observation", job="described", name="Patient", file="swagger-ui.css")
    media_type, body = body_of(operation)
    if body is not None and method == "put" and body:
        body = json.dumps({**json.loads(body), "id": "described"})
    headers = {"Content-Type": media_type} if media_type else {}
    answer = client.request(method.upper(), address, content=body, headers=headers)
    if NOWHERE in answer.text and operation["operationId"] != "demoCallback":
        faults.append(f"{at}: the server does not know it")
    described = operation["responses"].get(str(answer.status_code)) or operation["responses"].get("default")
    if described is None:
        faults.append(f"{at}: {answer.status_code} is not described: {answer.text[:300]}")
        return
    described = resolve(described)
    kind = answer.headers.get("content-type", "").split(";")[0]
    if answer.content and described.get("content") and kind not in described["content"]:
        # A page's files have types of their own.
        if operation["operationId"] != "docsFile":
            faults.append(f"{at}: {answer.status_code} in {kind}, not {list(described['content'])}")
    for header in described.get("headers", {}):
        if header not in answer.headers:
            faults.append(f"{at}: {answer.status_code} without {header}")


asked = 0
for path, item in document["paths"].items():
    for method in METHODS:
        if method in item:
            ask(path, method, item[method])
            asked += 1

# Without a token, what asks for one says how to get it.
for path, item in document["paths"].items():
    for method, operation in item.items():
        if operation.get("security") and path.count("/") == 3 and method == "get":
            refused = httpx.get(f"{URL}{path}")
            if refused.status_code != 401 or "Bearer" not in refused.headers.get("www-authenticate", ""):
                faults.append(f"GET {path} without a token: {refused.status_code}")

# A part says what the whole says.
for part in ("Patient", "CarePlan", "Consent", "Server"):
    for path, item in json.load(open(f"documents/{part}.json"))["paths"].items():
        if item != document["paths"].get(path):
            faults.append(f"{part}: {path} differs from the whole document")

# The CapabilityStatement says the same.
statement = client.get("/FHIR/R4/metadata").json()
rest = statement["rest"][0]
common = {parameter["name"] for parameter in rest["searchParam"]}
stated, described = {}, {}
for resource in rest["resource"]:
    parameters = {parameter["name"] for parameter in resource.get("searchParam", [])}
    stated[resource["type"]] = ({each["code"] for each in resource["interaction"]}, parameters)
for path, item in document["paths"].items():
    for method, operation in item.items():
        name = operation["tags"][0]
        code = CODES.get(operation["operationId"].removesuffix("ByPost").removesuffix(name))
        if code is None or name not in stated and not path.startswith("/FHIR/R4/"):
            continue
        interactions, parameters = described.setdefault(name, (set(), set()))
        interactions.add(code)
        if code == "search-type" and method == "get":
            parameters.update(p["name"] for p in operation["parameters"] if "$ref" not in p)
described.pop("System", None)
for name in sorted(stated.keys() | described.keys()):
    if stated.get(name) != described.get(name):
        faults.append(f"{name}: the CapabilityStatement says {stated.get(name)}, the document {described.get(name)}")
shared = {p["name"] for p in document["components"]["parameters"].values() if p["in"] == "query"}
if not common <= shared:
    faults.append(f"the document lacks the common parameters {common - shared}")

for fault in faults[:40]:
    print(f"routes: {fault}")
if faults:
    sys.exit(f"routes: {len(faults)} faults")
print(f"routes: {asked} operations of {len(stated)} types asked, and answered as described")
