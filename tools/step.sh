# Runs a verb's steps one after another and shows how each goes. Source it; it needs bash and nothing else.
#
#   plan NAME LOG HINT COMMAND...   adds a step; COMMAND's output goes to build/logs/LOG.log
#   run_plan                        runs them: "[3/6] building … 41 s"; at the first failure prints the log's end
#                                   and one line that says what to do, and exits with the step's status
#   note TEXT                       (inside a step) what to print beside the step's name, "nothing to do" say
#   doing TEXT                      (inside a step) what the step is at, shown while it runs
#   advise TEXT                     (inside a step) what to do about this failure, instead of HINT
#
# Progress goes to standard error, so that a verb's own output can be piped.

step_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
step_logs=$step_root/build/logs
step_names=() step_log_names=() step_hints=() step_commands=()
step_child=0
if [[ -t 2 && -z ${CI:-} && ${TERM:-dumb} != dumb ]]; then step_live=1; else step_live=0; fi
step_heartbeat=60  # seconds between signs of life where lines cannot be rewritten

say() { printf '%s\n' "$*" >&2; }
note() { printf '%s\n' "$*" >"$STEP_NOTE"; }
doing() { printf '%s\n' "$*" >"$STEP_DOING"; }
advise() { printf '%s\n' "$*" >"$STEP_ADVICE"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

plan() {
  step_names+=("$1") step_log_names+=("$2") step_hints+=("$3")
  shift 3
  step_commands+=("$(printf '%q ' "$@")")
}

# A build's own counter, "[12/345]", or what the step said of itself.
step_detail() {
  if [[ -s $STEP_DOING && -n $(<"$STEP_DOING") ]]; then head -n 1 "$STEP_DOING"; return; fi
  tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | grep -oE '^\[[0-9]+/[0-9]+\]' | tail -n 1
}

step_stop() {
  if ((step_child)); then kill -TERM -- "-$step_child" 2>/dev/null; fi
  ((step_live)) && printf '\n' >&2
  say "stopped"
  exit 130
}

run_step() {  # NUMBER TOTAL NAME LOG HINT COMMAND
  local head="[$1/$2] $3" log=$step_logs/$4.log hint=$5 command=$6
  local start=$SECONDS beat=0 elapsed=0 status=0 detail
  : >"$log"
  STEP_NOTE=$log.note STEP_DOING=$log.doing STEP_ADVICE=$log.advice
  rm -f "$STEP_NOTE" "$STEP_DOING" "$STEP_ADVICE"
  export STEP_NOTE STEP_DOING STEP_ADVICE
  set -m
  (eval "$command") >"$log" 2>&1 </dev/null &
  step_child=$!
  set +m
  while kill -0 "$step_child" 2>/dev/null; do
    elapsed=$((SECONDS - start))
    if ((step_live)); then
      detail=$(step_detail "$log")
      printf '\r\033[K%s … %d s %s' "$head" "$elapsed" "$detail" >&2
    elif ((elapsed >= beat + step_heartbeat)); then
      beat=$elapsed
      say "$head … $elapsed s $(step_detail "$log")"
    fi
    sleep 0.2 || true  # a signal to the whole group ends it too, and must not end us before the trap has run
  done
  wait "$step_child" || status=$?
  step_child=0
  elapsed=$((SECONDS - start))
  ((step_live)) && printf '\r\033[K' >&2
  local said=""
  [[ -s $STEP_NOTE ]] && said=" ($(head -n 1 "$STEP_NOTE"))"
  [[ -s $STEP_ADVICE ]] && hint=$(head -n 1 "$STEP_ADVICE")
  rm -f "$STEP_NOTE" "$STEP_DOING" "$STEP_ADVICE"
  if ((status == 0)); then
    say "$head: $elapsed s$said"
    return 0
  fi
  say "$head: FAILED after $elapsed s"
  if [[ -s $log ]]; then
    say "--- last lines of ${log#"$step_root"/}"
    tail -n 20 "$log" >&2
    say "---"
  fi
  say "what to do: $hint"
  return "$status"
}

run_plan() {
  mkdir -p "$step_logs"
  trap step_stop INT TERM
  local i total=${#step_names[@]}
  for ((i = 0; i < total; i++)); do
    run_step $((i + 1)) "$total" "${step_names[i]}" "${step_log_names[i]}" "${step_hints[i]}" "${step_commands[i]}" ||
      exit $?
  done
  trap - INT TERM
  step_names=() step_log_names=() step_hints=() step_commands=()
}
