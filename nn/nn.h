/* nn.h - layers, initial values, data. Built on autograd's public interface only; losses are operations. */
#ifndef AG_NN_H
#define AG_NN_H
#include <nn/module.h>
#include <nn/layers.h>
#include <nn/init.h>
#include <nn/data.h>
#endif
