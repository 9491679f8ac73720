/**
 * Kernel functions that nobody may hook: what the engine's own programs run on, where a hook would
 * call itself or wait for a lock that its caller holds, and what every process runs thousands of
 * times a second whatever it does.
 */
const unsafe: readonly { readonly what: string; readonly names: RegExp }[] = [
  {
    what: "is part of what runs BPF programs",
    names:
      /^(_*bpf_(prog|map|ringbuf|trampoline|task_storage|local_storage|selem|get|probe|loop|ktime|send_signal|mem|obj|perf|stack|user_rnd|strn|d_path|snprintf)|(_*bpf_ringbuf|_*htab|trie|array_map|percpu_array|array_of_map|fd_array|queue_stack|pcpu_copy)_|kprobe_|kretprobe_|fprobe_|ftrace_|perf_|trace_|(copy|strncpy)_from_(kernel|user)_nofault)/,
  },
  {
    what: "is part of the scheduler",
    names:
      /^(_*schedule(_|$)|sched_(tick|clock)|scheduler_|pick_next_|pick_task|put_prev_|set_next_|(en|de)queue_(task|entity|hrtimer)|try_to_wake_up|_*wake_up(_process|_common|_state|_q|)$|ttwu_|finish_task_switch|context_switch|_*switch_to|update_(curr|rq|load|process_times)|task_tick_|resched_|preempt_|migrate_(disable|enable))/,
  },
  {
    what: "is part of RCU",
    names: /^_*(rcu|srcu|call_rcu|synchronize_s?rcu|kvfree_rcu|kfree_rcu)/,
  },
  {
    what: "is part of the kernel's locks",
    names:
      /^_*(raw_(spin|read|write)|spin_(lock|unlock|trylock)|(native_)?queued_|pv_|lock_(acquire|release)|lockdep|mutex_|rt_mutex_|rwsem_|down_(read|write)|up_(read|write)|percpu_(down|up)_|osq_|refcount_|futex_(wait|wake))/,
  },
  {
    what: "is part of memory management",
    names:
      /^_*(k[mz]alloc|kmalloc|kv?free($|_sensitive)|kmem_cache|slab_|vmalloc|vfree|alloc_pages|get_page_from|free_(one|unref|page)|rmqueue|memcg_|mem_cgroup_|charge_|handle_mm_fault|do_user_addr_fault|exc_page_fault|pcpu_|mod_memcg)/,
  },
  {
    what: "runs in every interrupt or timer",
    names:
      /^_*(handle_irq|common_interrupt|do_softirq|irq_|asm_|sysvec_|hrtimer_|tick_|timekeeping_|ktime_get|read_tsc|run_timer|do_syscall_64|entry_|x64_sys_call|syscall_(enter|exit)|exit_to_user|el0_)/,
  },
];

/** What speaks against hooking `call`, or undefined. */
export function whyUnsafe(call: string): string | undefined {
  return unsafe.find(({ names }) => names.test(call))?.what;
}

/** What speaks against hooking the tracepoint `event`, or undefined. */
export function whyUnsafeEvent(event: string): string | undefined {
  // It comes while its caller holds the lock, which may be one that the engine takes.
  if (!/^(contention_(begin|end)|lock_(acquire|acquired|contended|release))$/.test(event)) return;
  return "is part of the kernel's locks";
}
