"""The messages of ONNX: which field has which number. Read into plain objects, written from them.

Numbers are those of ``onnx.proto`` (ONNX 1.x). Fields that change no result (documentation,
shapes inside a graph, metadata) are not in the table and are skipped.
"""

from respnet.engine.onnx.messages import BYTES, DOUBLE, FLOAT, INT, TEXT, Schema

# message -> number -> (name, kind or message, repeated)
MESSAGES = {
    "Model": {
        1: ("ir_version", INT, False),
        2: ("producer_name", TEXT, False),
        3: ("producer_version", TEXT, False),
        7: ("graph", "Graph", False),
        8: ("opset_import", "OperatorSet", True),
        20: ("training_info", BYTES, True),
        25: ("functions", BYTES, True),
    },
    "OperatorSet": {1: ("domain", TEXT, False), 2: ("version", INT, False)},
    "Graph": {
        1: ("node", "Node", True),
        2: ("name", TEXT, False),
        5: ("initializer", "Tensor", True),
        11: ("input", "ValueInfo", True),
        12: ("output", "ValueInfo", True),
        15: ("sparse_initializer", BYTES, True),
    },
    "Node": {
        1: ("input", TEXT, True),
        2: ("output", TEXT, True),
        3: ("name", TEXT, False),
        4: ("op_type", TEXT, False),
        5: ("attribute", "Attribute", True),
        7: ("domain", TEXT, False),
    },
    "Attribute": {
        1: ("name", TEXT, False),
        2: ("f", FLOAT, False),
        3: ("i", INT, False),
        4: ("s", BYTES, False),
        5: ("t", "Tensor", False),
        6: ("g", "Graph", False),
        7: ("floats", FLOAT, True),
        8: ("ints", INT, True),
        9: ("strings", BYTES, True),
        20: ("type", INT, False),
        21: ("ref_attr_name", TEXT, False),
    },
    "Tensor": {
        1: ("dims", INT, True),
        2: ("data_type", INT, False),
        3: ("segment", BYTES, False),
        4: ("float_data", FLOAT, True),
        5: ("int32_data", INT, True),
        6: ("string_data", BYTES, True),
        7: ("int64_data", INT, True),
        8: ("name", TEXT, False),
        9: ("raw_data", BYTES, False),
        10: ("double_data", DOUBLE, True),
        11: ("uint64_data", INT, True),
        13: ("external_data", BYTES, True),
        14: ("data_location", INT, False),
    },
    "ValueInfo": {1: ("name", TEXT, False), 2: ("type", "Type", False)},
    "Type": {1: ("tensor_type", "TensorType", False)},
    "TensorType": {1: ("elem_type", INT, False), 2: ("shape", "Shape", False)},
    "Shape": {1: ("dim", "Dim", True)},
    "Dim": {1: ("dim_value", INT, False), 2: ("dim_param", TEXT, False)},
}
_SCHEMA = Schema(MESSAGES)
decode, encode = _SCHEMA.decode, _SCHEMA.encode
