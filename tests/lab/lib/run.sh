# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # the variables of lab_run are seen by the functions it calls
# Boot a guest, run a script in it, judge.

# Does KVM run a kernel here? /dev/kvm may exist and still hang in the firmware, so try, with a short limit, once per
# boot of this machine.
kvm_works() {
	[[ -w /dev/kvm ]] || return 1
	local known
	known=$LAB_CACHE/.kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [[ ! -e $known ]]; then
		rm -f "$LAB_CACHE"/.kvm-*
		# Without an initramfs the kernel panics for want of a root, and -no-reboot ends QEMU.
		if timeout -s KILL 8 qemu-system-x86_64 -accel kvm -cpu max -m 512 -nodefaults -display none -no-reboot \
			-kernel "$1" -append "panic=-1 quiet" </dev/null >/dev/null 2>&1; then
			echo yes >"$known"
		else
			echo no >"$known"
		fi 2>/dev/null
	fi
	[[ $(<"$known") = yes ]]
}

# The command lines of the two kinds of machine go to the array `guest`.
# Kernel log: stderr of UML or first serial port, to kernel.log. Script: stdout.
uml_command() {
	local uml=$1 root=$2 initrd=$3 stdin=null
	((!shell)) || stdin=fd:0
	# shellcheck disable=SC2054 # the commas are those of its console devices
	guest=("$uml/linux" "mem=$mem" "initrd=$initrd/initrd" con=null con0=null,fd:2 "con1=$stdin,fd:1" ssl=null
		rdinit=/init panic=-1 loglevel=4 log_buf_len=8M lab.fs=hostfs "lab.root=$root" "lab.project=$PROJECT_DIR"
		"lab.modules=$modules" "lab.out=$out" "lab.kmods=$uml/modules")
}

qemu_command() {
	local root=$1 initrd=$2 version accel=${LAB_ACCEL:-} kernel share extra
	version=$(stock_version "$root")
	kernel=$root/boot/vmlinuz-$version
	if [[ -z $accel ]]; then
		accel=tcg,thread=multi
		if kvm_works "$kernel"; then accel=kvm; fi
	fi
	# shellcheck disable=SC2054 # the commas are QEMU's
	guest=(qemu-system-x86_64 -accel "$accel" -cpu max -m "$mem" -smp "$cpus" -no-reboot -nodefaults -display none
		-chardev "file,id=klog,path=$out/kernel.log" -serial chardev:klog
		-chardev stdio,id=script,signal=off -serial chardev:script
		-kernel "$kernel" -initrd "$initrd/initrd"
		-append "console=ttyS0,115200 panic=-1 loglevel=4 log_buf_len=8M mitigations=off lab.fs=9p lab.root=root lab.project=project lab.modules=modules lab.out=out")
	for share in "root=$root" "project=$PROJECT_DIR" "modules=$modules"; do
		guest+=(-virtfs "local,mount_tag=${share%%=*},path=${share#*=},security_model=none,readonly=on,multidevs=remap")
	done
	guest+=(-virtfs "local,mount_tag=out,path=$out,security_model=none,multidevs=remap")
	read -r -a extra <<<"${LAB_QEMU_ARGS:-}"
	guest+=("${extra[@]}")
}

# count WORD: result lines of the script that start so
count() { grep -acE "^$1( |$)" "$out/console.log" || true; }

lab_run() {
	local lab=${1:?run in which lab?} modules='' out='' cpus=2 mem='' timeout=600 dut=ours shell=0
	shift
	local suite
	suite=$(suite_of "$lab")
	while (($#)); do
		case $1 in
		--modules) modules=$(realpath "$2"); shift ;;
		--out) out=$2; shift ;;
		--cpus) cpus=$2; shift ;;
		--mem) mem=$2; shift ;;
		--timeout) timeout=$2; shift ;;
		--dut) dut=$2; shift ;;
		--shell) shell=1 ;;
		-*) die "unknown option $1" ;;
		*) break ;;
		esac
		shift
	done
	(($#)) || die "run what?"
	[[ $dut = ours || $dut = in-tree ]] || die "--dut is ours or in-tree"

	# The script is named by its path on this side and must be part of the project, which is what the guest sees.
	local path
	path=$(realpath "$1")
	[[ -f $path && $path == "$PROJECT_DIR"/* ]] || die "$1: not a file of $PROJECT_DIR"
	shift
	local script=("/srv/project${path#"$PROJECT_DIR"}" "$@")

	out=$(realpath -m "${out:-$(mktemp -d "${TMPDIR:-/tmp}/lab-$lab.XXXXXX")}")
	mkdir -p "$out/.lab/no-modules"
	rm -f "$out"/{console,kernel,dmesg,kmemleak,modules}.log "$out"/.lab/verdict*
	modules=${modules:-$out/.lab/no-modules}

	local root initrd uml guest
	root=$(get_root "$suite")
	cache_lock_use "$root"
	initrd=$(get_initrd "$lab")
	cache_lock_use "$initrd"
	local tty=ttyS1
	if [[ $lab = debug || $lab = fast ]]; then
		tty=tty1 mem=${mem:-2G}
		uml=$(get_uml "$lab")
		cache_lock_use "$uml"
		uml_command "$uml" "$root" "$initrd"
	else
		mem=${mem:-2G}
		qemu_command "$root" "$initrd"
	fi
	local word
	for word in "$PROJECT_DIR" "$out" "$modules" "$LAB_CACHE"; do
		[[ $word != *[[:space:],]* ]] || die "no blanks or commas in paths, please: $word"
	done

	{
		printf '%s=%q\n' LAB "$lab" LAB_TTY "$tty" LAB_TIMEOUT "$timeout" LAB_SHELL "$shell" LAB_DUT "$dut"
		printf 'script=('
		printf '%q ' "${script[@]}"
		printf ')\n'
	} >"$out/.lab/run.env"

	say "$lab: $(basename "$path"), log $out"
	# The guest has its own timeout; ours is for a guest that hangs. A guest with a shell may take its time.
	local limit=$((timeout + ${LAB_GRACE:-60})) start=$SECONDS rc=0
	((!shell)) || limit=0
	boot_guest || rc=$?
	judge "$rc" $((SECONDS - start))
}

# Everything of a guest, also the many processes of User-Mode Linux, is in a process name space that ends with it.
boot_guest() {
	local pid rc=0
	: >"$out/console.log"
	: >"$out/kernel.log"
	exec {console}> >(exec tee -a "$out/console.log")
	local tee_pid=$!
	if ((shell)); then exec {input}<&0; else exec {input}</dev/null; fi
	setpriv --pdeathsig KILL unshare --pid --fork --kill-child timeout --foreground -s KILL "$limit" "${guest[@]}" \
		<&"$input" >&"$console" 2>>"$out/kernel.log" &
	pid=$!
	exec {console}>&- {input}<&-
	# shellcheck disable=SC2064 # the pid of now is meant
	trap "kill -KILL $pid 2>/dev/null; exit 130" INT TERM HUP
	wait "$pid" || rc=$?
	wait "$tee_pid" 2>/dev/null || true
	trap - INT TERM HUP
	return "$rc"
}

# judge RC SECONDS: the last line of `lab run`, and its exit code
judge() {
	local rc=$1 verdict=fail reason='' line bad oks nots skips
	oks=$(count ok) nots=$(count 'not ok') skips=$(count skip)
	# The console also has what came after the verdict and what a full or cleared log buffer lost.
	bad=$("$LAB_DIR/scan-log" "$out/kernel.log" | head -n 1 | tr -d '\r')
	if [[ -e $out/.lab/verdict ]]; then
		line=$(head -n 1 "$out/.lab/verdict")
		verdict=${line%% *}
		if [[ $line == *' '* ]]; then reason=${line#* }; fi
		if [[ -n $bad && $verdict = pass ]]; then verdict=fail reason="kernel console: $bad"; fi
	else
		case $rc in
		137) reason="no verdict: guest hung and was killed" ;;
		*) reason="no verdict: guest crashed" ;;
		esac
		reason+=${bad:+: $bad}
	fi
	if ((nots > 0)) && [[ $verdict = pass ]]; then
		verdict=fail reason="not ok lines although the script ended well"
	fi
	if [[ $verdict != pass ]]; then
		echo "--- end of the kernel log ($out/kernel.log):"
		tail -n 40 "$out/kernel.log"
		echo "---"
	fi
	echo "lab $lab: verdict $verdict${reason:+ ($reason)}, $oks ok, $nots not ok, $skips skipped, $2 s, log $out"
	[[ $verdict = pass ]]
}
