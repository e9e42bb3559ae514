#!/bin/sh
# maw hook. Made by `maw hooks install`; `maw hooks uninstall` removes it and puts back what was here.
hook=@HOOK@ python=@PYTHON@
maw=@MAW@ hooks=@HOOKS@
# The hook that was here before runs first, whatever maw does.
saved=${0%/*}/$hook.maw-saved
# git tells pre-push on standard input what is pushed, which both need. A GUI's PATH may be empty: a loop then does what
# cat does, which takes bash minutes for thousands of refs.
pushed=
if [ $hook = pre-push ] && [ -x "$saved" ]; then
	if command -v cat >/dev/null 2>&1; then
		pushed=$(cat && echo .)
		pushed=${pushed%.}
	else
		while IFS= read -r line; do
			pushed="$pushed$line
"
		done
	fi
fi
if [ -x "$saved" ]@UNLESS@; then
	if [ $hook = pre-push ]; then printf %s "$pushed" | "$saved" "$@"; else "$saved" "$@"; fi
	status=$?
	if [ $status != 0 ] && [ $hook != post-commit ]; then exit $status; fi
fi
# Nobody typed the commits of a rebase, merge, cherry-pick or revert: leave before Python is worth starting.
git=${GIT_DIR:-.git}
if [ -f "$git" ]; then IFS= read -r git <"$git"; git=${git#gitdir: }; fi
for file in rebase-merge rebase-apply MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD; do
	if [ -e "$git/$file" ] && [ $hook != pre-push ]; then exit 0; fi
done
case $hook,${MAW_SKIP:-0} in
post-commit,*) if [ -e "$git/MERGE_MSG" ]; then exit 0; fi ;; # a clean revert leaves no other trace
*,0) ;;
*) exit 0 ;;
esac
# Whoever gave a message wants none.
case $hook,${2-} in prepare-commit-msg, | prepare-commit-msg,template) ;; prepare-commit-msg,*) exit 0 ;; esac
if [ ! -x "$python" ] || [ ! -f "$maw/maw/__init__.py" ] || [ ! -f "$hooks/maw_hooks/main.py" ]; then
	case $hook in *commit-msg) exit 0 ;; esac # pre-commit has said it
	echo "maw: this hook's maw is gone, so nothing is reviewed; \`maw hooks install\` mends it ($0)" >&2
	exit 0
fi
if [ -n "$pushed" ]; then
	exec <<EOF
$pushed
EOF
fi
"$python" -I -S -c 'import sys; sys.path[:0] = sys.argv[1:3]; import maw_hooks.main as m; m.from_stub(sys.argv[3:])' \
	"$maw" "$hooks" $hook "$@"
case $? in
0) ;;
91) exit 1 ;; # maw blocks; a Python that cannot start says 1, and must block nobody
130) exit 130 ;;
*) echo "maw: this hook's Python does not work, so nothing is reviewed; \`maw hooks install\` mends it ($0)" >&2 ;;
esac
