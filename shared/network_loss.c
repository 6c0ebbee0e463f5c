/* network: the losses. SPDX-License-Identifier: Apache-2.0 */
#include "network_private.h"

/* log(1 + exp(-m)) without overflow. */
static double
log_loss(double m)
{
    return m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m;
}

static double
number_loss(double z, double y, double *slope)
{
    *slope = z - y;
    return *slope * *slope / 2;
}

static double
binary_loss(enum network_loss kind, double z, double y, double *slope)
{
    double sign = 2 * y - 1, p = network_sigmoid(z);
    if (kind == NETWORK_HINGE) {
        *slope = sign * z < 1 ? -sign : 0;
        return fmax(0, 1 - sign * z);
    }
    if (kind == NETWORK_SQUARED) {
        *slope = (p - y) * p * (1 - p);
        return (p - y) * (p - y) / 2;
    }
    *slope = p - y;
    return log_loss(sign * z);
}

static double
hinge_of_classes(const double *z, size_t classes, size_t own, double *slope)
{
    size_t rival = own == 0 ? 1 : 0;
    for (size_t k = 0; k < classes; k++) {
        slope[k] = 0;
        if (k != own && z[k] > z[rival])
            rival = k;
    }
    double loss = 1 + z[rival] - z[own];
    if (!(loss > 0))
        return 0;
    slope[rival] = 1;
    slope[own] = -1;
    return loss;
}

/* Half the squared distance of p = softmax(z) from the class's corner. With d = p - corner, the
 * slope by z_k is p_k (d_k - sum of d p). */
static double
squared_of_classes(const double *z, size_t classes, size_t own, double *slope)
{
    double loss = 0, mean = 0;
    network_softmax(z, classes, slope);
    for (size_t k = 0; k < classes; k++) {
        double d = slope[k] - (k == own);
        loss += d * d / 2;
        mean += d * slope[k];
    }
    for (size_t k = 0; k < classes; k++)
        slope[k] *= slope[k] - (k == own) - mean;
    return loss;
}

static double
entropy_of_classes(const double *z, size_t classes, size_t own, double *slope)
{
    double most = z[0];
    for (size_t k = 1; k < classes; k++)
        most = fmax(most, z[k]);
    double sum = exp(z[0] - most);
    for (size_t k = 1; k < classes; k++)
        sum += exp(z[k] - most);
    network_softmax(z, classes, slope);
    slope[own] -= 1;
    return log(sum) + most - z[own];
}

double
network_row_loss(const struct network *network, const double *z, double y, double *slope)
{
    if (network->classes == 0)
        return number_loss(*z, y, slope);
    if (network->classes == 2)
        return binary_loss(network->loss, *z, y, slope);
    size_t classes = network->classes, own = (size_t)y;
    if (network->loss == NETWORK_HINGE)
        return hinge_of_classes(z, classes, own, slope);
    if (network->loss == NETWORK_SQUARED)
        return squared_of_classes(z, classes, own, slope);
    return entropy_of_classes(z, classes, own, slope);
}
