# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The cache of what is slow to build: root file systems, UML kernels, initramfs images.
# An artefact lives in $LAB_CACHE/KIND-KEY; KEY is a hash of everything it is made from, so a change of
# any input makes a new one and an existing one is never modified.

LAB_CACHE=${LAB_CACHE:-/var/cache/ib_srpt-lab}

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Short hash of stdin.
hash_of() { sha256sum | cut -c1-12; }

# The lines of files that make a difference: without comments and empty lines.
inputs() { sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' -- "$@"; }

# cache_lock_use DIR: keep DIR from being pruned as long as this process or a child of it lives.
cache_lock_use() {
	local fd
	exec {fd}<"$1"
	flock -s "$fd"
}

cache_remove() {
	# A half removed directory must not look like a good one.
	local dying=$LAB_CACHE/.dying-${1##*/}.$$
	mv "$1" "$dying" && rm -rf "$dying"
}

# cache_prune KIND KEEP: remove the other artefacts of this kind that nobody uses.
cache_prune() {
	local dir fd
	for dir in "$LAB_CACHE/$1"-????????????; do
		[[ -d $dir && $dir != "$2" ]] || continue
		exec {fd}<"$dir"
		if flock -n -x "$fd"; then
			say "pruning ${dir##*/}"
			cache_remove "$dir"
		fi
		exec {fd}<&-
	done
}

# cache_get KIND KEY BUILDER [ARG...]: print the directory of the artefact, after building it when it is missing.
# BUILDER is called with a temporary directory in front of ARG...; what it writes goes to a log.
cache_get() {
	local kind=$1 final=$LAB_CACHE/$1-$2 builder=$3
	shift 3
	if [[ ! -d $final ]]; then
		mkdir -p "$LAB_CACHE/log"
		(
			# One build at a time for all kinds: two at once only slow each other down.
			exec 9>"$LAB_CACHE/.lock"
			flock -n 9 || { say "$kind: waiting for another build"; flock 9; }
			[[ ! -d $final ]] || exit 0
			cache_build "$kind" "$final" "$builder" "$@"
		) >&2 || return 1
	fi
	printf '%s\n' "$final"
}

cache_build() {
	local kind=$1 final=$2 builder=$3 tmp log start pid rc=0
	shift 3
	# The lock is ours: what an interrupted build left behind is garbage.
	rm -rf --one-file-system "$LAB_CACHE"/.tmp-* "$LAB_CACHE"/.dying-*
	tmp=$LAB_CACHE/.tmp-${final##*/} log=$LAB_CACHE/log/$kind.log start=$SECONDS
	mkdir -p "$tmp"
	say "$kind: building (log: $log)"
	# A mount name space of its own: mounts of the builder vanish with it, whatever happens.
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$BASH" "$LAB_DIR/lib/$builder" "$tmp" "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064 # the pid of now is meant
	trap "kill -KILL $pid 2>/dev/null; exit 1" INT TERM HUP
	while sleep 1; kill -0 "$pid" 2>/dev/null; do
		# $$ is the command itself, of which this is a subshell; a signal for it does not come here.
		kill -0 $$ 2>/dev/null || { kill -KILL "$pid"; exit 1; }
		(((SECONDS - start) % 10)) || say "$kind: $((SECONDS - start)) s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
	done
	wait "$pid" || rc=$?
	trap - INT TERM HUP
	if ((rc)); then
		tail -n 20 "$log" | sed 's/^/    /' >&2
		rm -rf --one-file-system "$tmp"
		die "$kind: build failed after $((SECONDS - start)) s, see $log"
	fi
	mv -T "$tmp" "$final"
	say "$kind: built in $((SECONDS - start)) s, $(du -sh "$final" | cut -f1)"
	cache_prune "$kind" "$final"
}
