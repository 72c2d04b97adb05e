// Clipped SGD, one trajectory at a time: xoshiro256++ (Blackman and Vigna) and a 128-layer ziggurat (Marsaglia and
// Tsang, with an independent layer index as Doornik recommends). The peer of benchmarks/peers.py.
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

struct Xoshiro {
    uint64_t s[4];
    explicit Xoshiro(uint64_t seed) {
        for (auto &word : s) {  // splitmix64
            uint64_t z = (seed += 0x9e3779b97f4a7c15ULL);
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
            word = z ^ (z >> 31);
        }
    }
    static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
    uint64_t next() {
        const uint64_t result = rotl(s[0] + s[3], 23) + s[0];
        const uint64_t t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotl(s[3], 45);
        return result;
    }
    double uniform() { return ((next() >> 11) + 0.5) * 0x1.0p-53; }
};

struct Ziggurat {
    static constexpr int layers = 128;
    static constexpr double r = 3.442619855899, v = 9.91256303526217e-3;
    double x[layers + 1], ratio[layers];
    Ziggurat() {
        double f = std::exp(-0.5 * r * r);
        x[0] = v / f;
        x[1] = r;
        x[layers] = 0;
        for (int i = 2; i < layers; ++i) {
            x[i] = std::sqrt(-2 * std::log(v / x[i - 1] + f));
            f = std::exp(-0.5 * x[i] * x[i]);
        }
        for (int i = 0; i < layers; ++i) ratio[i] = x[i + 1] / x[i];
    }
    double operator()(Xoshiro &rng) const {
        for (;;) {
            const uint64_t word = rng.next();
            const int i = word & (layers - 1);
            const double u = (int64_t(word) >> 11) * 0x1.0p-52;
            if (std::fabs(u) < ratio[i]) return u * x[i];
            if (i == 0) {
                double a, b;
                do {
                    a = -std::log(rng.uniform()) / r;
                    b = -std::log(rng.uniform());
                } while (b + b < a * a);
                return u < 0 ? -(r + a) : r + a;
            }
            const double z = u * x[i];
            const double f0 = std::exp(-0.5 * (x[i] * x[i] - z * z));
            const double f1 = std::exp(-0.5 * (x[i + 1] * x[i + 1] - z * z));
            if (f1 + rng.uniform() * (f0 - f1) < 1.0) return z;
        }
    }
};

const Ziggurat normal;

template <bool pareto, bool cosh>
void work(uint64_t seed, long dim, long steps, long first, long last, double eta, double c, double tail,
          const double *lambda, double *out) {
    std::vector<double> x(dim), g(dim);
    const double power = -1 / tail, mean = tail / (tail - 1);
    for (long n = first; n < last; ++n) {
        Xoshiro rng(seed * 0x10000001ULL + n);
        for (auto &entry : x) entry = 1;
        for (long t = 0; t <= steps; ++t) {
            double total = 0;
            for (long k = 0; k < dim; ++k) {
                double slope = cosh ? std::sinh(x[k]) : lambda[k] * x[k];
                if (t < steps) slope += pareto ? std::pow(rng.uniform(), power) - mean : normal(rng);
                g[k] = slope;
                total += slope * slope;
            }
            const double norm = std::sqrt(total);
            if (t == steps) {
                out[n] = norm;
                break;
            }
            const double factor = eta * std::fmin(1.0, c / norm);
            for (long k = 0; k < dim; ++k) x[k] -= factor * g[k];
        }
    }
}

}  // namespace

extern "C" void clipped_sgd(uint64_t seed, long dim, long steps, long trajectories, int pareto, int cosh, int threads,
                            double eta, double c, double tail, const double *lambda, double *out) {
    auto part = pareto ? (cosh ? work<true, true> : work<true, false>) : (cosh ? work<false, true> : work<false, false>);
    std::vector<std::thread> pool;
    for (int i = 0; i < threads; ++i)
        pool.emplace_back(part, seed, dim, steps, trajectories * i / threads, trajectories * (i + 1) / threads, eta, c,
                          tail, lambda, out);
    for (auto &thread : pool) thread.join();
}
