// One level: the table of its ops, handed to Python as a capsule.
// Included by level_*.cpp only, which set the name and the width of a register.
#pragma once

#include <Python.h>

#include "abi.h"
#include "steps_probe.hpp"
#include "vector.hpp"

namespace RESPNET_LEVEL {

// clang-format off
static const respnet_entry ENTRIES[] = {
    RESPNET_PROBE_ENTRIES
    {nullptr, nullptr, nullptr},
};
// clang-format on

static const respnet_level LEVEL = {
    RESPNET_LEVEL_NAME, RESPNET_VECTOR_BYTES, sizeof ENTRIES / sizeof *ENTRIES, ENTRIES};

static int add_table(PyObject *module) {
    PyObject *capsule = PyCapsule_New((void *)&LEVEL, RESPNET_LEVEL_CAPSULE, nullptr);
    return capsule ? PyModule_AddObject(module, "table", capsule) : -1;
}

static PyModuleDef_Slot SLOTS[] = {
    {Py_mod_exec, (void *)add_table},
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};
static PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "level", nullptr, 0, nullptr, SLOTS,
                             nullptr, nullptr, nullptr};

} // namespace RESPNET_LEVEL

PyMODINIT_FUNC RESPNET_LEVEL_INIT(void) { return PyModuleDef_Init(&RESPNET_LEVEL::MODULE); }
