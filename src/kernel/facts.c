/*
 * What the kernel's own reader of Kconfig knows of symbols, one JSON object a line. Linked with the objects of scripts/kconfig/conf, so
 * that it understands what that kernel does, and uses of them only what has been there in this form since Linux 4.18.
 *
 * facts CONFIG KCONFIG SYMBOL...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lkc.h"

/* The symbols asked for, and those that decide over them. */
#define MOST 4000
static struct symbol *queue[MOST];
static int queued;

static void enqueue(struct symbol *sym)
{
	int i;

	for (i = 0; i < queued; i++)
		if (queue[i] == sym)
			return;
	if (queued < MOST)
		queue[queued++] = sym;
}

static void print_string(const char *text)
{
	const unsigned char *c;

	putchar('"');
	for (c = (const unsigned char *)(text ? text : ""); *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

/* What a name stands for that no Kconfig defines: itself where it is a number, else n. */
static const char *value_of(struct symbol *sym)
{
	sym_calc_value(sym);
	if (sym_get_type(sym) == S_UNKNOWN && !(sym->flags & SYMBOL_CONST))
		return sym->name[0] >= '0' && sym->name[0] <= '9' ? sym->name : "n";
	return sym_get_string_value(sym);
}

struct list {
	int length;
	/* Also tell of the symbols in it. */
	int follow;
};

/* A symbol as [name, value], a constant as [value], all else as a string. */
static void print_token(void *data, struct symbol *sym, const char *text)
{
	struct list *list = data;

	if (list->length++)
		putchar(',');
	if (!sym) {
		print_string(text);
		return;
	}
	putchar('[');
	if (!(sym->flags & SYMBOL_CONST) && !(text[0] >= '0' && text[0] <= '9')) {
		print_string(text);
		putchar(',');
		if (list->follow)
			enqueue(sym);
	}
	print_string(value_of(sym));
	putchar(']');
}

static void print_expr(const char *key, struct expr *expr, int follow)
{
	struct list list = { 0, follow };

	printf("\"%s\":[", key);
	if (expr)
		expr_print(expr, print_token, &list, E_NONE);
	putchar(']');
}

static void print_prompts(struct symbol *sym)
{
	struct property *prop;
	int count = 0;

	printf(",\"prompts\":[");
	for (prop = sym->prop; prop; prop = prop->next) {
		if ((prop->type != P_PROMPT && prop->type != P_MENU) || !prop->text)
			continue;
		printf("%s{\"text\":", count++ ? "," : "");
		print_string(prop->text);
		putchar(',');
		print_expr("visible", prop->visible.expr, 1);
		putchar('}');
	}
	putchar(']');
}

static void print_ranges(struct symbol *sym)
{
	struct property *prop;
	int count = 0;

	printf(",\"ranges\":[");
	for (prop = sym->prop; prop; prop = prop->next) {
		if (prop->type != P_RANGE)
			continue;
		printf("%s{\"low\":", count++ ? "," : "");
		print_string(value_of(prop->expr->left.sym));
		printf(",\"high\":");
		print_string(value_of(prop->expr->right.sym));
		putchar(',');
		print_expr("visible", prop->visible.expr, 0);
		putchar('}');
	}
	putchar(']');
}

/* Only these decide over a symbol that nobody can ask for. */
static void print_defaults(struct symbol *sym)
{
	struct property *prop;
	int count = 0;

	printf(",\"defaults\":[");
	for (prop = sym->prop; prop; prop = prop->next) {
		if (prop->type != P_DEFAULT)
			continue;
		printf("%s{", count++ ? "," : "");
		print_expr("value", prop->expr, 1);
		putchar(',');
		print_expr("visible", prop->visible.expr, 1);
		putchar('}');
	}
	putchar(']');
}

static void print_members(struct menu *menu)
{
	int count = 0;

	for (menu = menu->list; menu; menu = menu->next) {
		if (!menu->sym || !menu->sym->name)
			continue;
		printf("%s[", count++ ? "," : "");
		print_string(menu->sym->name);
		putchar(',');
		print_string(value_of(menu->sym));
		putchar(']');
	}
}

/* The choice that the symbol is a member of. */
static void print_choice(struct symbol *sym)
{
	struct property *prop;
	struct menu *menu;

	for (prop = sym->prop; prop; prop = prop->next) {
		if (prop->type != P_PROMPT || !prop->menu)
			continue;
		for (menu = prop->menu->parent; menu; menu = menu->parent) {
			if (!menu->sym || !sym_is_choice(menu->sym))
				continue;
			printf(",\"choice\":{\"prompt\":");
			print_string(menu_get_prompt(menu));
			printf(",\"members\":[");
			print_members(menu);
			printf("],");
			print_expr("visible", menu->prompt ? menu->prompt->visible.expr : NULL, 1);
			putchar('}');
			return;
		}
	}
}

static void print_symbol(struct symbol *sym)
{
	sym_calc_value(sym);
	printf("{\"name\":");
	print_string(sym->name);
	printf(",\"type\":\"%s\",\"value\":", sym_type_name(sym->type));
	print_string(value_of(sym));
	print_prompts(sym);
	print_defaults(sym);
	putchar(',');
	print_expr("selected", sym->rev_dep.expr, 0);
	print_ranges(sym);
	print_choice(sym);
	printf("}\n");
}

/* For "did you mean". */
static void print_names(void)
{
	struct symbol **found = sym_re_search(".");
	int i, count = 0;

	printf("{\"names\":[");
	for (i = 0; found && found[i]; i++) {
		if (sym_get_type(found[i]) == S_UNKNOWN)
			continue;
		if (count++)
			putchar(',');
		print_string(found[i]->name);
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	int i, unknown = 0;

	if (argc < 3)
		return 2;
	conf_parse(argv[2]);
	conf_read(argv[1]);
	for (i = 3; i < argc; i++) {
		struct symbol *sym = sym_find(argv[i]);

		if (sym && sym_get_type(sym) != S_UNKNOWN)
			enqueue(sym);
		else {
			unknown = 1;
			printf("{\"unknown\":\"%s\"}\n", argv[i]);
		}
	}
	for (i = 0; i < queued; i++)
		print_symbol(queue[i]);
	if (unknown)
		print_names();
	return 0;
}
