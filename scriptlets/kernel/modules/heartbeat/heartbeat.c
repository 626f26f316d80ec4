// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that is not in the kernel: counts beats of a timer in /proc/heartbeat,
 * by which a program sees that the kernel below it still runs.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/timer.h>

static unsigned int period = 1000;
module_param(period, uint, 0444);
MODULE_PARM_DESC(period, "milliseconds from beat to beat");

static unsigned long beats;
static void beat(struct timer_list *timer);
static DEFINE_TIMER(heart, beat);

static void beat(struct timer_list *timer)
{
	beats++;
	mod_timer(timer, jiffies + msecs_to_jiffies(period));
}

static int heartbeat_show(struct seq_file *file, void *v)
{
	seq_printf(file, "beats %lu\nperiod %u\n", READ_ONCE(beats), period);
	return 0;
}

static int __init heartbeat_init(void)
{
	if (period == 0)
		return -EINVAL;
	if (!proc_create_single("heartbeat", 0444, NULL, heartbeat_show))
		return -ENOMEM;
	beat(&heart);
	pr_info("heartbeat: one beat every %u ms\n", period);
	return 0;
}

static void __exit heartbeat_exit(void)
{
	remove_proc_entry("heartbeat", NULL);
	del_timer_sync(&heart);
	pr_info("heartbeat: stopped after %lu beats\n", beats);
}

module_init(heartbeat_init);
module_exit(heartbeat_exit);
MODULE_DESCRIPTION("Counts beats in /proc/heartbeat");
MODULE_LICENSE("GPL");
