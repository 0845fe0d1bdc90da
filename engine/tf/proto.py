"""The messages of a GraphDef: which field has which number.

Numbers are those of ``graph.proto``, ``node_def.proto``, ``attr_value.proto``, ``tensor.proto`` and
``function.proto`` of TensorFlow. Fields that change no result are skipped.
"""

from respnet.engine.onnx.messages import BYTES, DOUBLE, FLOAT, INT, TEXT, Schema

# message -> number -> (name, kind or message, repeated)
MESSAGES = {
    "Graph": {1: ("node", "Node", True), 2: ("library", "Library", False)},
    "Node": {
        1: ("name", TEXT, False),
        2: ("op", TEXT, False),
        3: ("input", TEXT, True),
        5: ("attr", "NamedAttr", True),
    },
    "NamedAttr": {1: ("key", TEXT, False), 2: ("value", "Attr", False)},
    "Attr": {
        1: ("list", "List", False),
        2: ("s", BYTES, False),
        3: ("i", INT, False),
        4: ("f", FLOAT, False),
        5: ("b", INT, False),
        6: ("type", INT, False),
        7: ("shape", "Shape", False),
        8: ("tensor", "Tensor", False),
        10: ("func", "Call", False),
    },
    "List": {
        2: ("s", BYTES, True),
        3: ("i", INT, True),
        4: ("f", FLOAT, True),
        6: ("type", INT, True),
    },
    "Call": {1: ("name", TEXT, False)},
    "Shape": {2: ("dim", "Dim", True), 3: ("unknown_rank", INT, False)},
    "Dim": {1: ("size", INT, False)},
    "Tensor": {
        1: ("dtype", INT, False),
        2: ("shape", "Shape", False),
        4: ("content", BYTES, False),
        5: ("float_val", FLOAT, True),
        6: ("double_val", DOUBLE, True),
        7: ("int_val", INT, True),
        8: ("string_val", BYTES, True),
        10: ("int64_val", INT, True),
        11: ("bool_val", INT, True),
        13: ("half_val", INT, True),
        16: ("uint32_val", INT, True),
        17: ("uint64_val", INT, True),
    },
    "Library": {1: ("function", "Function", True)},
    "Function": {
        1: ("signature", "Signature", False),
        3: ("node_def", "Node", True),
        4: ("ret", "Return", True),
    },
    "Signature": {
        1: ("name", TEXT, False),
        2: ("input_arg", "Argument", True),
        3: ("output_arg", "Argument", True),
    },
    "Argument": {1: ("name", TEXT, False)},
    "Return": {1: ("key", TEXT, False), 2: ("value", TEXT, False)},
}
_SCHEMA = Schema(MESSAGES)
decode, encode = _SCHEMA.decode, _SCHEMA.encode
