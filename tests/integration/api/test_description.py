"""docs/api.yaml and the table of calls say the same."""

import re

import jsonschema

from stack import DESCRIPTION, ROOT

ROW = re.compile(r'\{"(\w+)", "([^"]+)", (\w+),')


def table():
    rows = ROW.findall((ROOT / "src" / "api" / "routes.c").read_text())
    return {(method, "/" + pattern): permission.replace("PERMISSION_", "").replace("ROUTE_", "").lower()
            for method, pattern, permission in rows}


def test_the_same_calls_with_the_same_permissions():
    described = {(method, path): operation["x-permission"] for method, path, operation in DESCRIPTION.operations()}
    assert len(described) > 60
    assert described == table()


def test_schemas_are_schemas():
    for schema in DESCRIPTION.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_references_lead_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                DESCRIPTION.resolver.resolve(node["$ref"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(DESCRIPTION.document)


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for _, _, operation in DESCRIPTION.operations()]
    assert len(names) == len(set(names))
