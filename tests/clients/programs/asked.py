"""Asks what the OpenAPI document allows, and what it does not, as schemathesis thinks it up; every answer is held to the document.

No 5xx, no status that the operation does not list, no media type, header or body other than described, no answer after
more than ten seconds. Arguments: how many requests of each operation, and after how many seconds to stop (0: never).
Some operations of every kind are asked, the same ones with the same seed (BINNACLE_SEED, printed); all of them when the
third argument is `all`.
"""

import json
import os
import random
import sys
import time
from collections import Counter

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

URL, SECRET = os.environ["BINNACLE_URL"], os.environ["BINNACLE_SECRET"]
EXAMPLES, SECONDS, EVERY = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["all"]
SEED = int(os.environ.get("BINNACLE_SEED", "1"))
# A resource of each: what the interactions of all types are asked of.
TYPES = ("Patient", "CarePlan", "Consent", "Observation")
SLOWEST = 10
# Requests of an operation before the next is asked, so that every one has its turn when time runs out.
LAP = 4
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

started = time.monotonic()
document = json.load(open("documents/everything.json"))
session = requests.Session()
faults, asked, statuses = {}, Counter(), Counter()


class Token:
    """A token of the client of this run, and a new one before it ends."""

    def __init__(self):
        self.until = 0.0

    def value(self):
        if time.monotonic() > self.until:
            form = {"grant_type": "client_credentials", "scope": "system/*.cruds"}
            answer = requests.post(f"{URL}/oauth2/token", data=form, auth=("clients", SECRET), timeout=30)
            answer.raise_for_status()
            self.text, self.until = answer.json()["access_token"], time.monotonic() + 120
        return self.text


token = Token()


def light(operation):
    """The operation with any object as a resource that is sent: values of FHIR's schemas, each of which holds all the
    others, take minutes to make up. Bodies that come near one are made from the examples."""
    content = operation.get("requestBody", {}).get("content", {})
    if not any(media_type.startswith("application/fhir") for media_type in content):
        return operation
    name = operation["tags"][0]
    schema = {"type": "object", "properties": {"resourceType": {"enum": [name, "Bundle", "Parameters"]}}}
    fhir = {kind: {"schema": schema} if kind.startswith("application/fhir") else described for kind, described in content.items()}
    return {**operation, "requestBody": {**operation["requestBody"], "content": fhir}}


def part(operations):
    """The document with these operations alone, `(path, method)`: schemathesis reads every one that it is given."""
    paths = {}
    for path, method in operations:
        item = paths.setdefault(path, {key: value for key, value in document["paths"][path].items() if key == "parameters"})
        item[method] = light(document["paths"][path][method])
    needed, left = {}, [paths]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in needed:
                target = document
                for step in reference.removeprefix("#/").split("/"):
                    target = target[step]
                needed[reference] = target
                left.append(target)
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
    components = {"securitySchemes": document["components"]["securitySchemes"]}
    for reference, target in needed.items():
        _, _, kind, name = reference.split("/")
        components.setdefault(kind, {})[name] = target
    return {**{key: document[key] for key in ("openapi", "info")}, "paths": paths, "components": components}


def chosen():
    """`(path, method)` of what is asked: everything, or of each kind of interaction that types have, two types'."""
    everything = [
        (path, method)
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    ]
    if EVERY:
        return everything
    draw, kinds = random.Random(SEED), {}
    of_none = []
    for path, method in everything:
        steps = path.split("/")
        name = steps[3] if path.startswith("/FHIR/R4/") else ""
        if name in TYPES:
            kinds.setdefault((path.replace(name, "Type", 1), method), []).append((path, method))
        elif document["paths"][path][method]["tags"] == ["System"] or not path.startswith("/FHIR/"):
            of_none.append((path, method))
    return of_none + [each for kind in kinds.values() for each in draw.sample(kind, min(2, len(kind)))]


def existing():
    """Ids of resources of each type asked about, so that not everything is 404."""
    ids = {}
    for name in TYPES:
        example = document["components"]["examples"].get(name, {}).get("value", {"resourceType": name})
        headers = {"Authorization": f"Bearer {token.value()}", "Content-Type": "application/fhir+json"}
        for n in range(3):
            body = json.dumps({**example, "id": f"asked-{n}"})
            answer = session.put(f"{URL}/FHIR/R4/{name}/asked-{n}", data=body, headers=headers, timeout=30)
            if answer.status_code in (200, 201):
                ids.setdefault(name, []).append(f"asked-{n}")
    return ids


def example_of(operation):
    """The bodies that the document gives as examples, by media type."""
    found = []
    for media_type, described in operation.get("requestBody", {}).get("content", {}).items():
        for example in described.get("examples", {}).values():
            while "$ref" in example:
                example = document["components"]["examples"][example["$ref"].rsplit("/", 1)[1]]
            found.append((media_type, example["value"]))
    return found


def mutated(tree, draw):
    """A copy of an example with one member or item dropped, doubled or replaced."""
    tree = json.loads(json.dumps(tree))
    nodes, left = [], [tree]
    while left:
        node = left.pop()
        if isinstance(node, (dict, list)) and node:
            nodes.append(node)
            left.extend(node.values() if isinstance(node, dict) else node)
    if not nodes:
        return tree
    node = draw.choice(nodes)
    key = draw.choice(list(node) if isinstance(node, dict) else range(len(node)))
    odd = draw.choice([None, "", " ", "x" * 300, 0, -1, 1e300, 10**30, True, [], {}, [[]], {"x": 1}, "2026-02-30", "\u0000", "🦀", "<b>"])
    match draw.randrange(3):
        case 0:
            del node[key]
        case 1:
            node[key] = odd
        case _ if isinstance(node, list):
            node.append(node[key])
        case _:
            node[key] = [node[key], node[key]]
    return tree


def send(case, name, ids, draw, examples):
    if case.path_parameters and "id" in case.path_parameters and ids.get(name) and draw.random() < 0.7:
        case.path_parameters["id"] = draw.choice(ids[name])
    if draw.random() < 0.6:
        # What decides before anything else is looked at.
        case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() == "content-type"}
        case.query = {name: value for name, value in (case.query or {}).items() if name not in ("_format", "_summary", "_pretty")}
    if examples and draw.random() < 0.5:
        media_type, body = draw.choice(examples)
        case.media_type, case.body = media_type, body if draw.random() < 0.2 else mutated(body, draw)
    headers = {"Authorization": f"Bearer {token.value()}"} if case.operation.path.startswith("/FHIR/") else {}
    began = time.monotonic()
    response = case.call(base_url=URL, session=session, headers=headers, timeout=60, allow_redirects=False)
    at = f"{case.method} {case.operation.path}"
    asked[at] += 1
    statuses[response.status_code] += 1
    if time.monotonic() - began > SLOWEST:
        faults.setdefault(f"{at}: slow", f"{time.monotonic() - began:.1f} s: {case.as_curl_command()[:1500]}")
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as group:
        for failure in group.exceptions:
            title = f"{at}: {response.status_code}: {failure.title}"
            body = json.dumps(case.body)[:1200] if isinstance(case.body, (dict, list)) else str(case.body)[:300]
            detail = f"{str(failure)[:700]}\n    {response.request.method} {response.request.url[:800]}\n    {body}\n    answered {response.text[:500]}"
            faults.setdefault(title, detail)


def ask(operation, ids, lap):
    """Some requests that fit the document, and some that break it."""
    path, method = operation.path, operation.method
    name = path.split("/")[3] if path.startswith("/FHIR/R4/") else ""
    draw = random.Random(f"{SEED} {lap} {method} {path}")
    examples = example_of(document["paths"][path][method])
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        @hypothesis.seed(SEED + lap)
        @settings(max_examples=min(LAP, EXAMPLES), database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            if not SECONDS or time.monotonic() - started < SECONDS:
                send(case, name, ids, draw, examples)

        try:
            run()
        except (hypothesis.errors.Unsatisfiable, schemathesis.errors.SerializationNotPossible):
            pass  # Nothing can be wrong with it, or no such value can be sent.


operations = chosen()
ids = existing()
random.Random(SEED).shuffle(operations)
# Forty at a time: a document of fourteen hundred schemas is slow to read.
parts = [part(operations[first : first + 40]) for first in range(0, len(operations), 40)]
of_parts = [list(schemathesis.openapi.from_dict(each).get_all_operations()) for each in ([] if EVERY else parts)]
for lap in range(0, EXAMPLES, LAP):
    for number, each in enumerate(parts):
        for result in of_parts[number] if of_parts else schemathesis.openapi.from_dict(each).get_all_operations():
            ask(result.ok(), ids, lap)
        if EVERY:
            print(f"{len(asked)} operations, {sum(asked.values())} requests, {len(faults)} faults, {time.monotonic() - started:.0f} s", flush=True)

for title, detail in sorted(faults.items())[:60]:
    print(f"{title}\n    {detail}")
told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
if faults:
    sys.exit(f"schemathesis: {len(faults)} faults (seed {SEED}; {told})")
print(f"schemathesis: {sum(asked.values())} requests of {len(asked)} of {len(operations)} operations, answered as the document says ({told}; seed {SEED})")
