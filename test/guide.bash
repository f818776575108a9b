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
