// Choosing rows of a table: the head ticks the page, Shift ticks a range, the bar
// counts. The boxes are plain form fields; the server counts for itself.
(() => {
	let last = null;
	const boxes = (from) => Array.from((from.closest("table") || document).querySelectorAll("[data-select-row]"));

	function show(table) {
		const all = boxes(table);
		const chosen = all.filter((box) => box.checked);
		for (const box of all) box.closest("tr").classList.toggle("selected", box.checked);
		const head = table.querySelector("[data-select-page]");
		if (head) {
			head.checked = all.length > 0 && chosen.length === all.length;
			head.indeterminate = chosen.length > 0 && chosen.length < all.length;
		}
		const bar = document.querySelector("[data-selection]");
		if (!bar || bar.hasAttribute("data-selection-all")) return;
		bar.toggleAttribute("data-selection-idle", chosen.length === 0);
		const count = bar.querySelector("[data-selection-count]");
		if (!count.dataset.idle) count.dataset.idle = count.textContent;
		count.textContent = chosen.length ? count.dataset.text.replace("#", chosen.length) : count.dataset.idle;
	}

	// Where everything is chosen, the server keeps the exceptions.
	function keep() {
		const update = document.querySelector("[data-selection-all] [data-selection-update]");
		if (update) update.click();
	}

	on("click", "[data-select-row]", (event, box) => {
		const all = boxes(box);
		if (event.shiftKey && last && all.includes(last)) {
			const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
			for (const other of all.slice(from, to + 1)) other.checked = box.checked;
		}
		last = box;
		show(box.closest("table"));
		keep();
	});
	on("change", "[data-select-page]", (event, head) => {
		for (const box of boxes(head)) box.checked = head.checked;
		show(head.closest("table"));
		keep();
	});
	on("click", "[data-selection-clear]", () => {
		for (const box of document.querySelectorAll("[data-select-row]:checked")) box.checked = false;
		for (const table of document.querySelectorAll("table:has([data-select-row])")) show(table);
	});
	const showAll = () => {
		for (const table of document.querySelectorAll("table:has([data-select-row])")) show(table);
	};
	document.addEventListener("DOMContentLoaded", showAll);
	document.addEventListener("htmx:afterSwap", showAll);
	window.addEventListener("pageshow", showAll);
})();
