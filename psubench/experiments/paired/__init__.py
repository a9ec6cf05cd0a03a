"""What runs share in which every case stands beside a reference: speed and energy."""
