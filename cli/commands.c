/* The commands, in the order of `netc --help`. */
#include "cli/command.h"

const command commands[] = {
    {"train", "compile a network and train it", command_train, &train_argp},
    {"summary", "show layers, parameters and memory", command_summary, &summary_argp},
    {"eval", "measure trained weights on a data set", command_eval, &eval_argp},
    {"predict", "predict for images, rows and arrays", command_predict, &predict_argp},
    {"generate", "go on with a text, by a language model", command_generate, &generate_argp},
    {"build", "compile to an object file and a C header", command_build, &build_argp},
    {"compare", "train networks over several seeds, side by side", command_compare, &compare_argp},
    {"sweep", "train every alternative that a file names", command_sweep, &sweep_argp},
    {"draw", "draw a network, with shapes, arithmetic and memory", command_draw, &draw_argp},
    {"runs", "list, sort and compare the runs so far", command_runs, &runs_argp},
    {"fmt", "lay a network file out in the one canonical way", command_fmt, &fmt_argp},
    {"lint", "warn of settings that seldom do what is meant", command_lint, &lint_argp},
    {"check", "compare derived gradients with finite differences", command_check, &check_argp},
    {"export", "write an ONNX model", command_export, &export_argp},
    {"import", "read an ONNX model: a network file and its weights", command_import, &import_argp},
    {"bench", "time every layer, against the machine's peak", command_bench, &bench_argp},
    {"new", "write a network to begin with, for a data set", command_new, &new_argp},
    {"data", "show what a data set holds", command_data, &data_argp},
    {"pack", "turn a folder of images into a data set", command_pack, &pack_argp},
    {"explain", "tell what a message means, by its code", command_explain, &explain_argp},
    {"cache", "show or clear the compiled code that is kept", command_cache, &cache_argp},
    {"lsp", "serve editors: errors, costs of layers, completion", command_lsp, &lsp_argp},
    {"help", "tell how a command is used", command_help, &help_argp},
    {"version", "tell the version", command_version, &version_argp},
};

const int n_commands = sizeof commands / sizeof *commands;
