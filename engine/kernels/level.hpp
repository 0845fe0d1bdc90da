// One level: the table of its ops, handed to Python as a capsule.
// Included by level_*.cpp only, which set the name and the width of a register.
#pragma once

#include <Python.h>

#include "abi.h"
#include "steps_activation.hpp"
#include "steps_adaptive.hpp"
#include "steps_dense.hpp"
#include "steps_dropout.hpp"
#include "steps_encode.hpp"
#include "steps_gradient.hpp"
#include "steps_grouped.hpp"
#include "steps_image.hpp"
#include "steps_loss.hpp"
#include "steps_merge.hpp"
#include "steps_norm.hpp"
#include "steps_optimizer.hpp"
#include "steps_probe.hpp"
#include "steps_recurrent.hpp"
#include "steps_sequence.hpp"
#include "steps_softmax.hpp"
#include "steps_warp.hpp"

namespace RESPNET_LEVEL {

#define PLAIN(op) {#op, op<float>, op<double>}
#define ROWS_AND_LANES(op) PLAIN(op##_rows), PLAIN(op##_lanes)
#define BY_LAYOUT(op)                                                                              \
    {#op "_rows", op<float, rows_layout>, op<double, rows_layout>},                                \
    {#op "_lanes", op<float, lanes_layout>, op<double, lanes_layout>}
#define BETTER(op, KIND)                                                                           \
    {#op "_forward_rows", better_forward<float, rows_layout, KIND>,                                \
     better_forward<double, rows_layout, KIND>},                                                   \
    {#op "_forward_lanes", better_forward<float, lanes_layout, KIND>,                              \
     better_forward<double, lanes_layout, KIND>},                                                  \
    {#op "_backward_rows", better_backward<float, rows_layout, KIND>,                              \
     better_backward<double, rows_layout, KIND>},                                                  \
    {#op "_backward_lanes", better_backward<float, lanes_layout, KIND>,                            \
     better_backward<double, lanes_layout, KIND>}

// clang-format off
static const respnet_entry ENTRIES[] = {
    PLAIN(pack_wide_kernel), PLAIN(pack_panels_kernel), PLAIN(pack_panels_transposed),
    PLAIN(dense_forward_row),
    ROWS_AND_LANES(dense_forward), ROWS_AND_LANES(dense_backward),
    BY_LAYOUT(activation_forward), BY_LAYOUT(activation_backward),
    ROWS_AND_LANES(softmax_forward), ROWS_AND_LANES(softmax_backward),
    ROWS_AND_LANES(dropout), ROWS_AND_LANES(scale_forward),
    BY_LAYOUT(copy), BY_LAYOUT(accumulate), PLAIN(rows_to_lanes), PLAIN(lanes_to_rows),
    ROWS_AND_LANES(pointwise_loss), ROWS_AND_LANES(row_loss), ROWS_AND_LANES(metric),
    {"count_places_rows", count_places<float>, count_places<double>},
    {"count_places_lanes", count_places<float>, count_places<double>},
    PLAIN(embedding_forward_rows), PLAIN(embedding_backward_rows), PLAIN(reverse_time_rows),
    PLAIN(last_step_rows), PLAIN(last_step_backward_rows), PLAIN(repeat_vector_rows),
    PLAIN(repeat_vector_backward_rows), PLAIN(compute_mask_rows), PLAIN(dropout_mask_rows),
    PLAIN(multiply_steps_rows), PLAIN(normal_rows), PLAIN(uniform_rows),
    BY_LAYOUT(multiply), BY_LAYOUT(affine), BETTER(maximum, larger), BETTER(minimum, smaller),
    PLAIN(concatenate_rows), PLAIN(split_rows),
    PLAIN(rearrange_forward_rows), PLAIN(rearrange_backward_rows),
    BY_LAYOUT(relu_forward), BY_LAYOUT(relu_backward),
    BY_LAYOUT(elu_forward), BY_LAYOUT(elu_backward),
    PLAIN(prelu_forward_rows), PLAIN(prelu_backward_rows),
    PLAIN(log_softmax_forward_rows), PLAIN(log_softmax_backward_rows),
    PLAIN(moments_rows), PLAIN(normalize_forward_rows), PLAIN(normalize_backward_rows),
    PLAIN(moving_average_rows), PLAIN(layer_norm_forward_rows), PLAIN(layer_norm_backward_rows),
    PLAIN(one_hot_rows), PLAIN(count_tokens_rows),
    PLAIN(simple_rnn_forward_rows), PLAIN(simple_rnn_backward_rows),
    PLAIN(lstm_forward_rows), PLAIN(lstm_backward_rows),
    PLAIN(gru_forward_rows), PLAIN(gru_forward_before_rows), PLAIN(gru_backward_rows),
    PLAIN(project_rows), PLAIN(states_before_rows), PLAIN(columns_backward_rows),
    PLAIN(pack_gates_kernel), PLAIN(pack_columns_panels), PLAIN(pack_columns_transposed),
    PLAIN(pack_columns_wide),
    PLAIN(conv2d_forward_rows), PLAIN(conv2d_backward_rows),
    PLAIN(conv2d_input_gradient_rows), PLAIN(pack_turned_kernel),
    PLAIN(grouped_conv2d_forward_rows), PLAIN(grouped_conv2d_backward_rows),
    PLAIN(winograd_forward_rows), PLAIN(winograd_backward_rows), PLAIN(pack_winograd_kernel),
    PLAIN(zero_padding_forward_rows), PLAIN(zero_padding_backward_rows),
    PLAIN(max_pooling_forward_rows), PLAIN(max_pooling_backward_rows),
    PLAIN(average_pooling_forward_rows), PLAIN(average_pooling_backward_rows),
    PLAIN(masked_mean_forward_rows), PLAIN(masked_mean_backward_rows),
    PLAIN(warp_forward_rows), PLAIN(warp_backward_rows),
    PLAIN(rprop_step), PLAIN(sgd_step), PLAIN(rmsprop_step), PLAIN(adam_step),
    PLAIN(amsgrad_step), PLAIN(adagrad_step), PLAIN(adadelta_step), PLAIN(adamax_step),
    PLAIN(nadam_step), PLAIN(penalty_step), PLAIN(clip_value_step), PLAIN(clip_norm_step),
    RESPNET_PROBE_ENTRIES
};
// clang-format on

template <class R> static int64_t workspace(int64_t I, int64_t O, int64_t rows) {
    return gemm_tn_workspace<R>(I, O, rows);
}

static const respnet_level LEVEL = {
    RESPNET_LEVEL_NAME, RESPNET_VECTOR_BYTES, sizeof ENTRIES / sizeof *ENTRIES, ENTRIES,
    {wide_size<float>, panels_size<float>, workspace<float>},
    {wide_size<double>, panels_size<double>, workspace<double>},
    activation::count, activation::names};

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
