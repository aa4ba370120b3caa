// greedy evaluation with the llama.cpp C API: evalchat model.gguf libdir < convs (lines: S\t.. U\t.. , blank line ends
// a conversation); \n is escaped
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "llama.h"
static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
static std::string un(const std::string& s) {
  std::string o;
  for (size_t i = 0; i < s.size(); i++)
    if (s[i] == '\\' && i + 1 < s.size() && s[i + 1] == 'n') {
      o += '\n';
      i++;
    } else
      o += s[i];
  return o;
}
static std::string esc(const std::string& s) {
  std::string o;
  for (char c : s)
    if (c == '\n')
      o += "\\n";
    else
      o += c;
  return o;
}
int main(int, char** v) {
  llama_log_set(
      [](ggml_log_level l, const char* s, void*) {
        if (l >= GGML_LOG_LEVEL_ERROR) fputs(s, stderr);
      },
      nullptr);
  ggml_backend_load_all_from_path(v[2]);
  llama_backend_init();
  auto* m = llama_model_load_from_file(v[1], llama_model_default_params());
  if (!m) return 1;
  auto cp = llama_context_default_params();
  cp.n_ctx = 1024;
  cp.n_batch = 1024;
  cp.n_threads = cp.n_threads_batch = 1;
  auto* ctx = llama_init_from_model(m, cp);
  auto* vc = llama_model_get_vocab(m);
  struct M {
    std::string r, t;
  };
  std::vector<M> h;
  std::string line;
  double tp = 0, tg = 0;
  long np = 0, ng = 0;
  while (std::getline(std::cin, line)) {
    if (line.empty()) {
      h.clear();
      puts("");
      continue;
    }
    h.push_back({line[0] == 'S' ? "system" : "user", un(line.substr(2))});
    printf("%s\n", line.c_str());
    if (line[0] == 'S') continue;
    std::vector<llama_chat_message> cm;
    for (auto& x : h) cm.push_back({x.r.c_str(), x.t.c_str()});
    std::vector<char> b(32768);
    int n = llama_chat_apply_template(llama_model_chat_template(m, nullptr), cm.data(), cm.size(), true, b.data(),
                                      b.size());
    std::string p(b.data(), n);
    std::vector<llama_token> tk(p.size() + 8);
    n = llama_tokenize(vc, p.data(), p.size(), tk.data(), tk.size(), true, true);
    tk.resize(n);
    llama_memory_clear(llama_get_memory(ctx), true);
    auto* s = llama_sampler_init_greedy();
    std::string o, ids;
    double t0 = now();
    if (llama_decode(ctx, llama_batch_get_one(tk.data(), n))) return 2;
    double t1 = now();
    int g = 0;
    while (g < 220) {
      llama_token x = llama_sampler_sample(s, ctx, -1);
      ids += std::to_string(x) + " ";
      if (llama_vocab_is_eog(vc, x)) break;
      char q[128];
      int k = llama_token_to_piece(vc, x, q, 128, 0, false);
      if (k > 0) o.append(q, k);
      g++;
      if (llama_decode(ctx, llama_batch_get_one(&x, 1))) break;
    }
    tp += t1 - t0;
    np += n;
    tg += now() - t1;
    ng += g;
    printf("A\t%s\n", esc(o).c_str());
    if (getenv("IDS")) {
      printf("P");
      for (auto x : tk) printf(" %d", x);
      printf("\nI %s\n", ids.c_str());
    }
    fflush(stdout);
    h.push_back({"assistant", o});
    llama_sampler_free(s);
  }
  char d[128];
  llama_model_desc(m, d, 128);
  fprintf(stderr, "%s: prompt %ld tok %.0f tok/s, generated %ld tok %.0f tok/s (1 thread)\n", d, np, np / tp, ng,
          ng / tg);
}
