# What a reader of a guide has at hand: npm and npx in the checkout, and terminals for what runs on and on.

declare -A pids outputs

npx() {
  case "$1 ${2-}" in
    'aitbc serve' | 'aitbc miner' | 'aitbc witness') in_its_own_terminal "$2" "$@" ;;
    *) "$@" ;;
  esac
}

aitbc-py() {
  case "$1" in
    miner) in_its_own_terminal "$1-$2" "$PYTHON" -m aitbc.cli "$@" ;;
    *) "$PYTHON" -m aitbc.cli "$@" ;;
  esac
}

npm() {
  case "$*" in
    ci) ;;
    start) npx aitbc serve ;;
    *) echo "npm $* is not for guides" >&2; return 1 ;;
  esac
}

# Returns once the program says that it is ready, or with an error when it ends before that.
in_its_own_terminal() {
  local name=$1 output line
  shift
  exec {output}< <(exec "$@" 2>&1)
  pids[$name]=$! outputs[$name]=$output
  while IFS= read -r line <&"$output"; do
    echo "$line"
    case $line in *'API reference'* | *'Waiting for jobs'* | *'a witness that forgets'*) return 0 ;; esac
  done
  return 1
}

# Ctrl-C, and waiting for the end.
stop() {
  kill "${pids[$1]}"
  cat <&"${outputs[$1]}"
}

# Runs a Python sample in a process of its own, which is forked from one that has imported the packages already.
python-sample() {
  if [[ -z ${samples_in-} ]]; then
    coproc SAMPLES_PROCESS { exec "$PYTHON" "$SAMPLES"; }
    exec {samples_out}<&"${SAMPLES_PROCESS[0]}" {samples_in}>&"${SAMPLES_PROCESS[1]}"
  fi
  env -0 > "$1.env"
  echo "$1" >&"$samples_in"
  local code
  read -r code <&"$samples_out"
  cat "$1.printed"
  return "$code"
}
