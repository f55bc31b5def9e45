# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of varve(1) in bash: subcommands, and pools, VMs, volumes and revisions as the mount lists them.

# Sets words, cword and cur. Readline splits at ':', '=' and '@', too: what no blank parts is put together again.
_varve_words() {
    local line=${COMP_LINE-${COMP_WORDS[*]}} word blanks i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        blanks=${line%%[![:blank:]]*}
        line=${line#"$blanks"}
        line=${line#"$word"}
        if [[ $i -gt 0 && -z $blanks ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    cword=$((${#words[@]} - 1))
    cur=${words[cword]}
}

# Readline replaces only what stands behind the last place where it splits.
_varve_trim() {
    local breaks=${COMP_WORDBREAKS//[^:=@]/} kept
    [[ -n $breaks ]] || return
    kept=${cur%"${cur##*["$breaks"]}"}
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

# Where Varve is mounted: --mount on the line, VARVE_MOUNT, or the only mount.
_varve_mount() {
    local i
    for ((i = 1; i < cword; i++)); do
        if [[ ${words[i]} == --mount ]]; then
            printf '%s\n' "${words[i + 1]}"
            return
        elif [[ ${words[i]} == --mount=* ]]; then
            printf '%s\n' "${words[i]#--mount=}"
            return
        fi
    done
    if [[ -n $VARVE_MOUNT ]]; then
        printf '%s\n' "$VARVE_MOUNT"
    else
        findmnt -n -o TARGET -t fuse.varve 2>/dev/null | head -n 1
    fi
}

# _varve_references DEPTH REVISIONS WORD: names up to DEPTH parts (1 pool, 2 VM, 3 volume), with revisions when REVISIONS is yes.
_varve_references() {
    local depth=$1 revisions=$2 word=$3 mount entry name parent=
    mount=$(_varve_mount)
    [[ -d $mount/pools ]] || return
    [[ $word == */* ]] && parent=${word%/*}/
    local parts=${parent//[!\/]/}
    parts=$((${#parts} + 1))
    ((parts <= depth)) || return
    for entry in "$mount/pools/$parent"*; do
        name=${entry##*/}
        if ((parts < 3)); then
            [[ -d $entry ]] || continue
            ((parts < depth)) && name+=/
        else
            [[ $name == *.img || ($revisions == yes && $name == *.img@*) ]] || continue
            name=${name/.img/}
        fi
        name=$parent$name
        [[ $name == "$word"* ]] && COMPREPLY+=("$name")
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}

_varve_file() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# The revisions of the volume POOL/VM/VOLUME.
_varve_revisions() {
    local volume=$1 word=$2 mount entry
    mount=$(_varve_mount)
    for entry in "$mount/pools/$volume.img@"*; do
        [[ -e $entry ]] || continue
        entry=${entry##*.img@}
        [[ $entry == "$word"* ]] && COMPREPLY+=("$entry")
    done
}

_varve_target() {
    if [[ $3 == [/.]* ]]; then
        _varve_file "$3"
    else
        _varve_references "$@"
    fi
}

# The VMs that the orchestrator lists.
_varve_vms() {
    local names
    names=$(varve vm ls 2>/dev/null | tail -n +2 | cut -d' ' -f1)
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$1")
}

# The domains of libvirt that are shut off.
_varve_domains() {
    local names i uri=()
    for ((i = 1; i < cword; i++)); do
        [[ ${words[i]} == --uri ]] && uri=(--connect "${words[i + 1]}")
        [[ ${words[i]} == --uri=* ]] && uri=(--connect "${words[i]#--uri=}")
    done
    names=$(virsh --readonly "${uri[@]}" list --inactive --name 2>/dev/null)
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$1")
}

# The keys of [[pool]] in varve.toml(5), and what varve-DRIVER(7) adds; of callback also those of the driver that it is put before.
_varve_pool_keys() {
    local driver=$1 word=$2 keys='revisions_to_keep= schedule= prune_below= owner= group= mode=' i
    if [[ $word == *=* ]]; then
        [[ $word == dir_path=* || $word == callback_program=* ]] && _varve_file "${word#*=}"
        return
    fi
    if [[ $driver == callback ]]; then
        keys+=' callback_driver= callback_program= callback_arguments= callback_timeout= callback_steps='
        for ((i = 1; i < cword; i++)); do
            [[ ${words[i]} == callback_driver=* ]] && driver=${words[i]#*=}
        done
    fi
    case $driver in
        file | linux-kernel) keys+=' dir_path=' ;;
        file-reflink) keys+=' dir_path= setup_check=' ;;
        lvm_thin) keys+=' volume_group= thin_pool= data_watermark= metadata_watermark=' ;;
        sim) keys+=' size=' ;;
    esac
    compopt -o nospace
    mapfile -t COMPREPLY < <(compgen -W "$keys" -- "$word")
}

_varve() {
    local cur cword words i command='' sub='' first='' second='' position=0
    COMPREPLY=()
    _varve_words
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            --mount | --socket | --file | --volume | --timeout | --target | --template | --caller | --tag | --size | --block | --swap | --kind | --source | --format | --spool | --revisions-to-keep | --qubes-pool | --interval | --count | --uri | --name | --pool | --skip) ((i++)) ;;
            -i | -c) [[ $command == top ]] && ((i++)) ;;
            -?*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${words[i]}
                elif [[ ($command == pool || $command == vm || $command == disp || $command == preload || $command == template) && -z $sub ]]; then
                    sub=${words[i]}
                else
                    ((position == 0)) && first=${words[i]}
                    ((position++ == 1)) && second=${words[i]}
                fi
                ;;
        esac
    done

    if [[ ${words[cword - 1]} == --mount || ${words[cword - 1]} == --spool ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
    fi
    case ${words[cword - 1]} in
        --size | --block | --swap | --revisions-to-keep | --qubes-pool | --volume | --timeout | --target | --tag | --interval | --count | --name | --skip) return ;;
        -i | -c) [[ $command == top ]] && return ;;
        --pool)
            _varve_references 1 no "$cur"
            return
            ;;
        --uri)
            mapfile -t COMPREPLY < <(compgen -W 'qemu:///system qemu:///session xen:///system' -- "$cur")
            _varve_trim
            return
            ;;
        --socket | --file)
            _varve_file "$cur"
            return
            ;;
        --template | --caller)
            _varve_vms "$cur"
            return
            ;;
        --kind)
            mapfile -t COMPREPLY < <(compgen -W 'origin volatile snapshot origin_snapshot' -- "$cur")
            return
            ;;
        --format)
            [[ $command == vm ]] && return
            mapfile -t COMPREPLY < <(compgen -W "raw qcow2$([[ $command == import ]] && echo ' vdi vhdx vpc')" -- "$cur")
            return
            ;;
        --source)
            _varve_target 3 yes "$cur"
            _varve_trim
            return
            ;;
    esac
    if [[ $cur == -* ]]; then
        local options='--mount --socket --json --quiet --bytes --help --version'
        [[ $command:$sub == vm:ls ]] && options+=' --all'
        [[ $command:$sub == vm:adopt ]] && options+=' --dry-run --format --keep-mac --name --pool --skip --undefine --uri'
        [[ $command:$sub == vm:create ]] && options+=' --file --volume'
        [[ $command:$sub == vm:set ]] && options+=' --file'
        [[ $command:$sub == vm:info ]] && options+=' --toml'
        [[ $command:$sub == disp:run ]] && options+=' --template --tag --caller'
        [[ $command:$sub == vm:stop ]] && options+=' --timeout --no-kill --force'
        [[ $command:$sub == preload:suspend ]] && options+=' --timeout'
        [[ $command:$sub == vm:attach ]] && options+=' --writable --target'
        [[ $command == ls ]] && options+=' --revisions'
        [[ $command == clone || $command == import || $command == export ]] && options+=' --force'
        [[ $command == import ]] && options+=' --size --raw --format --spool --parents'
        [[ $command == diff ]] && options+=' --block'
        [[ $command == events ]] && options+=' --follow'
        [[ $command == top ]] && options+=' --interval --count'
        [[ $command == partition ]] && options+=' --swap'
        [[ $command == export ]] && options+=' --sparse --format --spool --compress'
        [[ $command == rm ]] && options+=' --recursive'
        [[ $command == usage ]] && options+=' --revisions --vms'
        [[ $command == prune ]] && options+=' --dry-run'
        [[ $command:$sub == pool:adopt-qubes ]] && options+=' --dry-run --qubes-pool'
        [[ $command == retention ]] && options+=' --keep --schedule --dry-run'
        [[ $command == create ]] && options+=' --kind --source --revisions-to-keep --read-only --ephemeral --parents'
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi

    case $command:$sub in
        :) mapfile -t COMPREPLY < <(compgen -W 'ls info create rm start stop commit discard snapshot revert revisions pin unpin retention prune usage verify resize partition clone mv diff import export events status top reload pool vm disp preload template' -- "$cur") ;;
        preload:) mapfile -t COMPREPLY < <(compgen -W 'status max refresh begin suspend resume' -- "$cur") ;;
        preload:max | preload:refresh) ((position == 0)) && _varve_vms "$cur" ;;
        template:) mapfile -t COMPREPLY < <(compgen -W 'ls status commit rollback' -- "$cur") ;;
        template:status | template:commit | template:rollback) ((position == 0)) && _varve_vms "$cur" ;;
        disp:) mapfile -t COMPREPLY < <(compgen -W 'run' -- "$cur") ;;
        vm:) mapfile -t COMPREPLY < <(compgen -W 'ls info create adopt set start stop kill pause resume console attach detach resize clone rename rm' -- "$cur") ;;
        vm:ls | vm:create) ;;
        vm:adopt) ((position == 0)) && _varve_domains "$cur" ;;
        vm:attach)
            if ((position == 0)); then
                _varve_vms "$cur"
            elif ((position == 1)); then
                _varve_file "$cur"
            fi
            ;;
        vm:set)
            if ((position == 0)); then
                _varve_vms "$cur"
            else
                compopt -o nospace
                mapfile -t COMPREPLY < <(compgen -W 'memory= maxmem= vcpus= needs= tags= hypervisor= template= default_dispvm= domain_xml= boot.kernel= boot.initramfs= boot.cmdline= boot.firmware= template_for_dispvms= preload-dispvm-max= preload-dispvm-delay=' -- "$cur")
            fi
            ;;
        vm:*) ((position == 0)) && _varve_vms "$cur" ;;
        pool:) mapfile -t COMPREPLY < <(compgen -W 'add ls info convert adopt-qubes rm' -- "$cur") ;;
        pool:add)
            if ((position == 1)); then
                mapfile -t COMPREPLY < <(compgen -W 'callback file file-reflink linux-kernel lvm_thin plugin: sim' -- "$cur")
            elif ((position > 1)); then
                _varve_pool_keys "$second" "$cur"
            fi
            ;;
        pool:adopt-qubes)
            if ((position == 0)); then
                _varve_references 1 no "$cur"
            elif ((position == 1)); then
                _varve_file "$cur"
            fi
            ;;
        pool:info | pool:convert | pool:rm) ((position == 0)) && _varve_references 1 no "$cur" ;;
        ls: | info: | usage: | revisions: | retention: | resize: | partition:) ((position == 0)) && _varve_target 3 no "$cur" ;;
        create:) ((position == 0)) && _varve_target 3 no "$cur" ;;
        rm:) _varve_target 3 yes "$cur" ;;
        pin: | unpin:) ((position == 0)) && _varve_target 3 yes "$cur" ;;
        start: | stop: | commit: | discard: | prune: | verify:) _varve_target 3 no "$cur" ;;
        snapshot:) ((position == 0)) && _varve_target 3 no "$cur" ;;
        revert:)
            if ((position == 0)); then
                _varve_target 3 yes "$cur"
            elif ((position == 1)); then
                _varve_revisions "$first" "$cur"
            fi
            ;;
        clone: | diff:) ((position < 2)) && _varve_target 3 yes "$cur" ;;
        mv:) ((position < 2)) && _varve_target 3 no "$cur" ;;
        import:)
            if ((position == 0)); then
                _varve_file "$cur"
            elif ((position == 1)); then
                _varve_target 3 no "$cur"
            fi
            ;;
        export:)
            if ((position == 0)); then
                _varve_target 3 yes "$cur"
            elif ((position == 1)); then
                _varve_file "$cur"
            fi
            ;;
    esac
    _varve_trim
}

complete -F _varve varve
