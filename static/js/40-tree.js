// The department tree with the keys of the ARIA pattern: arrows, Home, End, Space.
(() => {
	const items = (tree) => Array.from(tree.querySelectorAll("[role=treeitem]")).filter((item) => item.offsetParent !== null);
	const box = (item) => item.querySelector(":scope > .qd-tree-row input[type=checkbox]");
	const children = (item) => item.querySelectorAll(":scope > [role=group] > [role=treeitem]");
	const parent = (item) => item.parentElement.closest("[role=treeitem]");

	function setUp(tree) {
		tree.classList.add("live");
		for (const input of tree.querySelectorAll("input[type=checkbox]")) {
			input.tabIndex = -1;
			input.indeterminate = input.hasAttribute("data-mixed");
			input.setAttribute("aria-hidden", "true"); // the item itself says whether it is ticked
		}
		for (const toggle of tree.querySelectorAll("[data-tree-toggle]")) {
			toggle.tabIndex = -1;
			toggle.setAttribute("aria-hidden", "true");
		}
		const all = Array.from(tree.querySelectorAll("[role=treeitem]"));
		for (const item of all) if (!item.hasAttribute("tabindex")) item.tabIndex = -1;
		if (!all.some((item) => item.tabIndex === 0) && all.length) {
			(all.find((item) => item.getAttribute("aria-current")) || all[0]).tabIndex = 0;
		}
	}

	function visit(item) {
		if (!item) return;
		for (const other of item.closest("[role=tree]").querySelectorAll("[tabindex='0'][role=treeitem]")) other.tabIndex = -1;
		item.tabIndex = 0;
		item.focus();
	}

	function open(item, wanted) {
		if (!item.hasAttribute("aria-expanded")) return;
		item.setAttribute("aria-expanded", String(wanted));
		const group = item.querySelector(":scope > [role=group]");
		if (group) group.hidden = false;
	}

	function toggle(item) {
		const button = item.querySelector(":scope > .qd-tree-row [data-tree-toggle]");
		if (button) button.click();
	}

	// refresh writes what the boxes say into the tree, from the leaves upwards.
	function refresh(tree) {
		const all = Array.from(tree.querySelectorAll("[role=treeitem]")).reverse();
		for (const item of all) {
			const input = box(item);
			const below = Array.from(children(item));
			const some = below.some((child) => child.getAttribute("aria-checked") !== "false");
			const every = below.every((child) => child.getAttribute("aria-checked") === "true");
			input.indeterminate = below.length > 0 && some && !(every && input.checked);
			item.setAttribute("aria-checked", input.indeterminate ? "mixed" : String(input.checked));
		}
	}

	on("click", "[data-tree-toggle]", (event, button) => {
		const item = button.closest("[role=treeitem]");
		const group = item.querySelector(":scope > [role=group]");
		if (!group) return;
		if (group.children.length || button.hasAttribute("hx-get")) event.preventDefault();
		if (group.children.length || button.hasAttribute("hx-get")) open(item, item.getAttribute("aria-expanded") !== "true");
	});

	on("change", "[data-tree] input[type=checkbox]", (event, input) => {
		const tree = input.closest("[data-tree]");
		const include = document.getElementById(tree.dataset.treeInclude);
		if (include && include.checked) {
			for (const other of input.closest("[role=treeitem]").querySelectorAll("[role=group] input[type=checkbox]:not(:disabled)")) {
				other.checked = input.checked;
			}
		}
		refresh(tree);
	});

	document.addEventListener("keydown", (event) => {
		const item = event.target;
		if (!(item instanceof Element) || !item.matches("[data-tree] [role=treeitem]")) return;
		const tree = item.closest("[role=tree]");
		const all = items(tree);
		const at = all.indexOf(item);
		const expanded = item.getAttribute("aria-expanded");
		switch (event.key) {
		case "ArrowDown": visit(all[at + 1]); break;
		case "ArrowUp": visit(all[at - 1]); break;
		case "Home": visit(all[0]); break;
		case "End": visit(all[all.length - 1]); break;
		case "ArrowRight":
			if (expanded === "false") toggle(item);
			else if (expanded === "true") visit(children(item)[0]);
			break;
		case "ArrowLeft":
			if (expanded === "true") toggle(item);
			else visit(parent(item));
			break;
		case " ": if (!box(item).disabled) box(item).click(); break;
		default: return;
		}
		event.preventDefault();
	});

	const all = () => {
		for (const tree of document.querySelectorAll("[data-tree]")) {
			setUp(tree);
		}
	};
	document.addEventListener("DOMContentLoaded", all);
	document.addEventListener("htmx:afterSwap", all);
})();
